"""A soak's result for people and programs: a table, JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

from eval.results import machine
from eval.soak.course import Amount, Course, Sample
from eval.soak.outcomes import Fate, Outcome
from eval.soak.plan import Kind
from eval.soak.verdict import Criterion

_MOST_SHOWN = 20


def table(judged: Sequence[Criterion]) -> Iterator[str]:
    """Yield the criteria as lines: the figures after the warm-up and in the end, and yes or no."""
    yield f"{'':<26}{'before':>9}{'after':>9}{'at most':>9}  holds"
    for each in judged:
        before = "" if each.before is None else f"{each.before:g}"
        holds = "yes" if each.holds else "no"
        yield f"{each.name:<26}{before:>9}{each.found:>9g}{each.most:>9g}  {holds}"


def fates(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield, as lines, how many lives there were of each kind, and how they went."""
    counts = Counter((outcome.kind, outcome.fate) for outcome in outcomes)
    yield f"{'lives':<26}" + "".join(f"{fate:>13}" for fate in Fate)
    for kind in Kind:
        yield f"{kind:<26}" + "".join(f"{counts[kind, fate]:>13}" for fate in Fate)


def faults(outcomes: Sequence[Outcome], complaints: Sequence[str]) -> Iterator[str]:
    """Yield, as lines, the first things that went wrong."""
    failed = [f"{each.kind}: {each.why}" for each in outcomes if each.fate != Fate.AS_PLANNED]
    for lines in (failed, complaints):
        yield from lines[:_MOST_SHOWN]
        if len(lines) > _MOST_SHOWN:
            yield f"... and {len(lines) - _MOST_SHOWN} more"


def write_json(
    path: Path,
    amount: Amount,
    course: Course,
    judged: Sequence[Criterion],
    complaints: Sequence[str],
) -> None:
    """Write everything that was found, and on what machine."""
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "amount": asdict(amount),
        "holds": all(each.holds for each in judged),
        "criteria": [{**asdict(each), "holds": each.holds} for each in judged],
        "lives": {
            kind: dict(Counter(each.fate for each in course.outcomes if each.kind == kind))
            for kind in Kind
        },
        "faults": list(faults(course.outcomes, complaints)),
        "stays": [asdict(stay) for stay in course.stays],
        "samples": {
            field.name: [getattr(sample, field.name) for sample in course.samples]
            for field in fields(Sample)
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # A line for each thing: samples, one below the other, would be thousands.
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(what)}" for name, what in document.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
