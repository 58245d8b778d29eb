"""The table of ``eval.fusion``: each rule under each condition, measured and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.fusion.rules import RULES, WEIGHTED, Case, Parameters, fuse_case
from eval.metrics import accuracy, pigeonhole_interval


@dataclass(frozen=True)
class Row:
    """One rule under one condition; shares in [0, 1].

    Attributes:
        data: ``pairs`` or ``clips``.
        condition: what was done to the evidence.
        rule: how both were fused.
        parameters: what the rule used; what it used on each half, where that differs.
        top1, top5, balanced, ece, n: see ``eval.metrics``.
        gain: top-1 above that of ``weighted``.
        gain_low, gain_high: its 95 % interval; None for clips, which are too few for one.
    """

    data: str
    condition: str
    rule: str
    parameters: str
    top1: float
    top5: float
    balanced: float
    ece: float
    n: int
    gain: float
    gain_low: float | None
    gain_high: float | None


def rows_of(case: Case, parameters: Mapping[str, Mapping[int, Parameters]], seed: int) -> list[Row]:
    """Measure every rule under one condition.

    Args:
        case: the condition.
        parameters: by the name of the rule, then by the half it is to be used on.
        seed: of the resampling for the intervals.
    """
    scores = {rule.name: fuse_case(rule, case, parameters[rule.name]) for rule in RULES}
    right = {name: fused.argmax(axis=1) == case.labels for name, fused in scores.items()}
    parts = np.column_stack([case.clip, case.picture])
    halved = case.data == "pairs"
    rows = []
    for rule in RULES:
        measured = accuracy(scores[rule.name], case.labels)
        gain = right[rule.name].astype(np.int64) - right[WEIGHTED.name]
        low, high = pigeonhole_interval(gain, parts, seed) if halved else (None, None)
        used = [parameters[rule.name][half] for half in np.unique(case.half).tolist()]
        rows.append(
            Row(
                data=case.data,
                condition=case.condition,
                rule=rule.name,
                parameters=_written(used),
                top1=measured.top1,
                top5=measured.top5,
                balanced=measured.balanced,
                ece=measured.ece,
                n=measured.n,
                gain=float(gain.mean()),
                gain_low=low,
                gain_high=high,
            )
        )
    return rows


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table as text: a block for each condition."""
    text: list[str] = []
    block = None
    for row in rows:
        if block != (block := (row.data, row.condition)):
            text += ["", f"{row.data}, {row.condition}, n {row.n}"]
            text.append(f"  {'':27}  top-1   top-5  balanced    ECE  top-1 over weighted (95 %)")
        gain = f"{100 * row.gain:+5.1f}"
        if row.gain_low is not None and row.gain_high is not None:
            gain += f" ({100 * row.gain_low:+.1f} to {100 * row.gain_high:+.1f})"
        shares = f"{row.top1:6.1%}  {row.top5:6.1%}    {row.balanced:6.1%}  {row.ece:.3f}"
        text.append(f"  {row.rule:27} {shares}  {gain:22} {row.parameters}".rstrip())
    return text[1:]


def _written(parameters: Sequence[Parameters]) -> str:
    texts = [" ".join(f"{value:.2f}" for value in values) for values in parameters]
    return " | ".join(dict.fromkeys(texts))
