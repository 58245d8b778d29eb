"""Write what an evaluation found as a page that needs no other file, and as JSON beside it."""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.datasets import spoken_by_man
from eval.figures import confusion_png, reliability_png
from eval.metrics import (
    confusion_matrix,
    expected_calibration_error,
    reliability,
    share_interval,
)
from eval.outcomes import Outcome, as_json, lines, warnings
from eval.scoring import Scored
from models.emotions import EMOTIONS

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Evaluation of emotion networks</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ccc; }}
th:first-child {{ text-align: left; }}
img {{ max-width: 100%; vertical-align: top; }}
</style>
<h1>Evaluation of emotion networks</h1>
<p>{made}</p>
{sections}
</html>
"""


def write_report(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Write ``report.html`` and ``results.json`` into ``folder``; return the page's path.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results = json.dumps(as_json(outcomes), indent=2)
    (folder / "results.json").write_text(results + "\n", encoding="utf-8")
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}"
    sections = "\n".join(
        part
        for outcome, line in zip(outcomes, lines(outcomes), strict=True)
        for part in _section(outcome, line)
    )
    page = folder / "report.html"
    page.write_text(_PAGE.format(made=escape(made), sections=sections), encoding="utf-8")
    return page


def _section(outcome: Outcome, line: str) -> Iterator[str]:
    yield f"<h2>{outcome.modality.capitalize()}</h2>\n<p>{escape(line)}</p>"
    for warning in warnings([outcome]):
        yield f"<p>{escape(warning)}</p>"
    if (scored := outcome.scored) is None:
        return
    pair = scored.scores, scored.labels
    matrix = confusion_png(confusion_matrix(*pair))
    diagram = reliability_png(reliability(*pair), expected_calibration_error(*pair))
    yield _image(matrix, f"Confusion matrix of {outcome.modality}")
    yield _image(diagram, f"Reliability diagram of {outcome.modality}")
    yield _recall_table(_groups(outcome.modality, scored), scored)


def _image(png: bytes, text: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">'


def _groups(modality: str, scored: Scored) -> dict[str, npt.NDArray[np.bool_]]:
    """Return the groups of a recall table: name -> who is in it, shape (n,)."""
    everybody = {"all": np.ones(len(scored.labels), bool)}
    if modality != "voice":
        return everybody
    men = np.array([spoken_by_man(name) for name in scored.names])
    return everybody | {"men": men, "women": ~men}


def _recall_table(groups: dict[str, npt.NDArray[np.bool_]], scored: Scored) -> str:
    """Lay out how often each class is found, in each group, with 95 % intervals."""
    of_classes = {emotion.value: scored.labels == row for row, emotion in enumerate(EMOTIONS)}
    of_classes["top-1 of all"] = np.ones(len(scored.labels), bool)
    head = "".join(f"<th>{group}</th>" for group in groups)
    body = "\n".join(
        f"<tr><th>{name}</th>"
        + "".join(f"<td>{_share(scored, of_class & member)}</td>" for member in groups.values())
        + "</tr>"
        for name, of_class in of_classes.items()
    )
    return f"<h3>Recall</h3>\n<table>\n<tr><th>label</th>{head}</tr>\n{body}\n</table>"


def _share(scored: Scored, rows: npt.NDArray[np.bool_]) -> str:
    hits = scored.scores[rows].argmax(axis=1) == scored.labels[rows]
    if not len(hits):
        return "none"
    low, high = share_interval(hits, None if scored.parts is None else scored.parts[rows])
    return f"{hits.mean():.1%} ({low:.0%} to {high:.0%}) of {len(hits)}"
