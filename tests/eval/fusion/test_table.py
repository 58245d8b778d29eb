"""The rows of the comparison of fusions, and their text, on made-up scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.fusion.rules import RULES
from eval.fusion.table import Row, lines, rows_of
from tests.eval.fusion.made_up import case_of


def rows(data: str) -> dict[str, Row]:
    """Rows of a case whose voice is right more often than its face, by rule."""
    parameters = {rule.name: dict.fromkeys((0, 1), rule.parameters) for rule in RULES}
    return {row.rule: row for row in rows_of(replace(case_of(), data=data), parameters, seed=0)}


def test_gains_are_over_weighted():
    """The gain is the difference of both top-1, within its interval, and wide where it is large."""
    found = rows("pairs")
    assert list(found) == [rule.name for rule in RULES]
    for row in found.values():
        assert row.gain == pytest.approx(row.top1 - found["weighted"].top1)
        assert row.gain_low <= row.gain <= row.gain_high
    assert (found["weighted"].gain_low, found["weighted"].gain_high) == (0, 0)
    assert found["face alone"].gain_high < 0


def test_clips_have_no_interval():
    """Of a few clips none is given, and the text has none."""
    found = rows("clips")
    assert {row.gain_low for row in found.values()} == {None}
    assert " to " not in "\n".join(lines(list(found.values())))


def test_the_text_has_a_block_for_each_condition():
    """Each block says its condition and how many there are, then has a line for each rule."""
    found = [*rows("pairs").values(), *rows("clips").values()]
    text = lines(found)
    assert [line for line in text if line.startswith(("pairs", "clips"))] == [
        "pairs, clean, n 700",
        "clips, clean, n 700",
    ]
    assert len([line for line in text if line.startswith("  weighted ")]) == 2
    assert np.any([line.endswith(" 0.60") for line in text])
