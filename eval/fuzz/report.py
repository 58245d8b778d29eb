"""What is asked of an attacked server, and what is said of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from eval.fuzz.campaign import Campaign
from eval.results import machine
from eval.soak.verdict import complaints

MOST_PAUSE_S = 3.0
MOST_GROWTH = 0.10  # of resident memory
FLOOR_MB = 20.0  # besides: what the allocator has not given back differs by that
MOST_LOUD_LINES = 20  # in the log, whatever is sent
_MOST_SHOWN = 20  # lines


def faults(campaign: Campaign, log: str) -> list[str]:
    """Return what the server did not bear, in sentences; ``log`` is its standard error."""
    found = []
    if not campaign.is_alive:
        found.append("the server has ended")
    if not campaign.serves_anew:
        found.append("no new session is served")
    if campaign.watcher_gone:
        found.append(f"the watcher lost its connection: {campaign.watcher_gone}")
    if (pause_s := longest_pause_s(campaign)) > MOST_PAUSE_S:
        found.append(f"the watcher had no result for {pause_s:.1f} s")
    most_mb = campaign.before_mb * (1 + MOST_GROWTH) + FLOOR_MB
    if campaign.after_mb > most_mb:
        found.append(f"memory went from {campaign.before_mb:.0f} to {campaign.after_mb:.0f} MB")
    if (loud := len(_loud(log).splitlines())) > MOST_LOUD_LINES:
        found.append(f"the log has {loud} lines at WARNING or above; it could be filled")
    if campaign.attackers_left:
        found.append("sessions of attackers have not ended")
    found += [f"an offer was answered with {each}" for each in campaign.fired.odd_answers]
    found += [f"the log has: {line}" for line in complaints(_loud(log))]
    return found


def _loud(log: str) -> str:
    """Return what is told at WARNING or above, or not by our log: what may wake somebody."""
    return "\n".join(line for line in log.splitlines() if " level=info " not in line)


def longest_pause_s(campaign: Campaign) -> float:
    """Return the longest time without a result for the watcher; infinite if it had none."""
    return max(campaign.intervals_s, default=math.inf)


def lines(campaign: Campaign, log: str) -> Iterator[str]:
    """Yield what happened, line by line."""
    fired = campaign.fired
    yield f"{fired.sent.total():,} datagrams in {campaign.seconds:.0f} s:"
    yield from (f"  {count:>9,}  {kind}" for kind, count in sorted(fired.sent.items()))
    yield f"{fired.offers.total():,} malformed offers, by status:"
    yield from (f"  {count:>9,}  {status}" for status, count in sorted(fired.offers.items()))
    yield (
        f"watcher: {len(campaign.intervals_s)} results, interval p95 {_p95_s(campaign):.2f} s, "
        f"longest pause {longest_pause_s(campaign):.2f} s"
    )
    yield f"server's memory: {campaign.before_mb:.0f} MB, then {campaign.after_mb:.0f} MB"
    loud = len(_loud(log).splitlines())
    yield f"server's log: {len(log.splitlines()):,} lines, {loud:,} of them at WARNING or above"


def shown(found: Sequence[str]) -> Iterator[str]:
    """Yield what was found, but never at length."""
    yield from (f"error: {each[:300]}" for each in found[:_MOST_SHOWN])
    if len(found) > _MOST_SHOWN:
        yield f"error: and {len(found) - _MOST_SHOWN} more"


def write_json(path: Path, campaign: Campaign, seed: int, found: Sequence[str], log: str) -> None:
    """Write everything; folders that are missing are made."""
    fired = campaign.fired
    left_out = {"fired", "intervals_s"}
    fields = {name: value for name, value in vars(campaign).items() if name not in left_out}
    fields |= {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "sent": dict(sorted(fired.sent.items())),
        "offers": dict(sorted(fired.offers.items())),
        "odd_answers": fired.odd_answers,
        "seed": seed,
        "datagrams": fired.sent.total(),
        "results": len(campaign.intervals_s),
        "interval_p95_s": _number(_p95_s(campaign)),
        "longest_pause_s": _number(longest_pause_s(campaign)),
        "log_lines": len(log.splitlines()),
        "loud_log_lines": len(_loud(log).splitlines()),
        "faults": list(found),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")


def _p95_s(campaign: Campaign) -> float:
    return float(np.percentile(campaign.intervals_s, 95)) if campaign.intervals_s else math.inf


def _number(value: float) -> float | None:
    """Return what JSON can hold: it has no infinity."""
    return value if math.isfinite(value) else None
