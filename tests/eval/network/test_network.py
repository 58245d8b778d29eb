"""The real server over bad networks: results go on, or are back within three seconds."""

from __future__ import annotations

import asyncio
import csv
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import av
import pytest

from eval.network.__main__ import main
from eval.network.cases import GOOD
from eval.network.detour import Detour
from eval.network.impairment import Impairment
from eval.network.measure import MOST_PAUSE_S, Span, figures_of
from eval.network.person import Person
from eval.network.relay import Relay
from eval.network.tracks import RawMedia
from tests.conftest import LiveServer
from tests.media import PICTURE_RATE_HZ, Clip

_OUTAGE_S = 3.0
_BAD = replace(GOOD, loss=0.05, reorder=0.1, duplicate=0.1)


@pytest.fixture(scope="module")
def media(happy_clip: Clip) -> RawMedia:
    """A woman who speaks, with about as many pictures a second as the page sends."""
    pictures = [
        av.VideoFrame.from_ndarray(each, format="rgb24").reformat(
            width=320, height=240, format="yuv420p"
        )
        for each in happy_clip.pictures[::2]
    ]
    return RawMedia(tuple(pictures), PICTURE_RATE_HZ // 2, happy_clip.sound)


@asynccontextmanager
async def _connected(server: LiveServer, media: RawMedia) -> AsyncIterator[tuple[Person, Relay]]:
    """Somebody who has got voice and face over a good line, and that line."""
    async with (
        Detour(server.url, seed=1, impairment=GOOD) as detour,
        Person(detour.url, media) as person,
        asyncio.timeout(30),
    ):
        await person.result_with_both()
        assert detour.relay is not None
        yield person, detour.relay


async def _is_back(person: Person, since_s: float) -> None:
    async with asyncio.timeout(since_s + MOST_PAUSE_S - time.monotonic()):
        await person.result_with_both(captured_after_s=since_s)


async def test_results_go_on_over_a_bad_line(server: LiveServer, media: RawMedia) -> None:
    """With packets lost, overtaken and doubled, voice and face stay as fresh as they were."""
    async with _connected(server, media) as (person, relay):
        began_s, before = time.monotonic(), len(person.results)
        relay.impair(_BAD)
        while len(person.results) < before + 8:
            await person.result_with_both(captured_after_s=time.monotonic())
        ended_s = time.monotonic()
        assert relay.lost > 10
        figures = figures_of(person.results, person.offered_at_s, Span(began_s, began_s, ended_s))
        assert max(figures.pause_s, figures.voice_pause_s, figures.face_pause_s) < MOST_PAUSE_S
        assert figures.results_per_s > 1.5
        assert figures.both_share > 0.8


async def test_results_are_back_after_an_outage(server: LiveServer, media: RawMedia) -> None:
    """When nothing has passed for three seconds, voice and face are back within three more."""
    async with _connected(server, media) as (person, relay):
        relay.impair(Impairment(loss=1.0))
        await asyncio.sleep(_OUTAGE_S)
        healed_s = time.monotonic()
        assert healed_s - person.results[-1].at_s > _OUTAGE_S - 0.2
        relay.impair(GOOD)
        await _is_back(person, healed_s)
        assert person.gone is None


async def test_results_follow_to_another_address(server: LiveServer, media: RawMedia) -> None:
    """When a NAT gives the peer another port, voice and face go on within three seconds."""
    async with _connected(server, media) as (person, relay):
        moved_s = time.monotonic()
        await relay.move()
        await _is_back(person, moved_s)
        assert person.gone is None


def test_the_command_measures(
    talking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two people of a real server move: a table, the same as CSV and JSON, and exit code 0."""
    table, document = tmp_path / "out" / "network.csv", tmp_path / "out" / "network.json"
    files = ("--csv", str(table), "--json", str(document))
    assert main(["--clip", str(talking), "--case", "move", "--people", "2", *files]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split()[-1] == "holds"
    assert line.startswith("another address ")
    assert line.endswith(" yes")
    with table.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["case"], row["people"], row["holds"]) == ("move", "2", "True")
    assert float(row["results_per_s"]) > 1.5
    assert "cores" in row["machine"]
    (run,) = json.loads(document.read_text())["runs"]
    assert len(run["people"]) == 2


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((), "--clip"),
        (("--clip", "a.mp4", "--case", "nonsense"), "nonsense"),
        (("--clip", "a.mp4", "--seconds", "1"), "must be a whole number of at least 2, not '1'"),
        (("--clip", "a.mp4", "--people", "0"), "must be a whole number from 1 to 16, not '0'"),
        (("--clip", "a.mp4", "--seed", "-1"), "must be a whole number of at least 0, not '-1'"),
    ],
)
def test_nonsense_flags_are_refused(
    flags: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be meant is named in one line, with exit code 2."""
    with pytest.raises(SystemExit) as refused:
        main(flags)
    assert refused.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


def test_a_missing_clip_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clip that is not there is named in one line; no server is started for it."""
    missing = str(tmp_path / "nowhere.mp4")
    assert main(["--clip", missing]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert missing in line
