"""The report of an evaluation: one page with its pictures inside, and the figures as JSON."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.outcomes import Outcome, as_json
from eval.report import write_report
from eval.scoring import Scored

WOMAN, MAN = "03-01-05-01-01-01-18.wav", "03-01-05-01-01-01-17.wav"


@pytest.fixture
def outcomes() -> list[Outcome]:
    """Four clips of anger, of which the man's two and one of the woman's are heard right."""
    scores = np.eye(7, dtype=np.float32)[[0, 0, 0, 3]]
    names = (MAN, MAN, WOMAN, WOMAN)
    voice = Scored(scores, np.zeros(4, np.int64), names, (), "a <protocol>")
    broken = (Path("torn.png"),)
    return [
        Outcome("voice", voice),
        Outcome("face", None, "none of 1 pictures could be read", broken),
        Outcome("fused", None, "needs both voice and face"),
    ]


def test_the_page_holds_its_pictures(outcomes: list[Outcome], tmp_path: Path) -> None:
    """A confusion matrix and a reliability diagram, in colour, stand in the page itself."""
    page = write_report(outcomes, tmp_path / "new" / "folder").read_text()
    found = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]+)">', page)
    assert [alt for alt, _ in found] == [
        "Confusion matrix of voice",
        "Reliability diagram of voice",
    ]
    for _, data in found:
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert min(picture.shape[:2]) > 300
        assert np.ptp(picture.astype(int), axis=2).max() > 50
    assert 'src="http' not in page
    assert "a &lt;protocol&gt;" in page


def test_recall_is_given_for_men_and_women(outcomes: list[Outcome], tmp_path: Path) -> None:
    """Anger: 3 of 4 in all, 2 of 2 of men, 1 of 2 of women; a class without clips says none."""
    page = write_report(outcomes, tmp_path).read_text()
    assert "<th>all</th><th>men</th><th>women</th>" in page
    angry = re.search(r"<tr><th>angry</th>(.*)</tr>", page)[1]
    shares = [cell.split(" ")[0] for cell in re.findall(r"<td>(.*?)</td>", angry)]
    assert shares == ["75.0%", "100.0%", "50.0%"]
    assert re.search(r"<tr><th>sad</th><td>none</td>", page)


def test_what_was_not_measured_says_why(outcomes: list[Outcome], tmp_path: Path) -> None:
    """Reasons and broken files stand in the page; the JSON has null for them."""
    page = write_report(outcomes, tmp_path).read_text()
    assert "needs both voice and face" in page
    assert "torn.png cannot be read" in page
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["face"] is found["fused"] is None
    assert found["voice"]["top1"] == 0.75
    assert found == json.loads(json.dumps(as_json(outcomes)))


def test_pairs_that_share_clips_have_wider_intervals(tmp_path: Path) -> None:
    """100 pairs of four clips, two of which are always right, say little: not 40 % to 60 %."""
    clip = np.repeat(np.arange(4), 25)
    scores = np.eye(7, dtype=np.float32)[clip % 2]
    names = tuple(f"{one} + picture" for one in clip)
    parts = np.column_stack([clip, np.arange(100)])
    fused = Scored(scores, np.zeros(100, np.int64), names, (), "pairs", parts=parts)
    page = write_report([Outcome("fused", fused)], tmp_path).read_text()
    low, high = re.search(r"<th>angry</th><td>50\.0% \((\d+)% to (\d+)%\)", page).groups()
    assert int(high) - int(low) > 70
    found = json.loads((tmp_path / "results.json").read_text())["fused"]
    assert found["ci95"][1] - found["ci95"][0] > 0.7
