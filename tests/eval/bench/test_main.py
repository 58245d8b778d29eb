"""``python -m eval.bench`` against the real server: that it measures, and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from eval.bench.__main__ import main
from tests.eval.recordings import Sound, steady, write_recording
from tests.media import photograph_clip

CORES = sorted(os.sched_getaffinity(0))
PINNED = ("--server-cores", str(CORES[0]), "--peer-cores", str(CORES[-1]))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A photograph and synthetic speech."""
    made = photograph_clip()
    pictures = steady(made.pictures[0], seconds=3.0, rate_hz=15)
    return write_recording(tmp_path / "clip.mkv", pictures, Sound(made.sound))


def test_it_measures(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One and two real peers of a real server: a table, everything as JSON, and a plot."""
    written, drawn = tmp_path / "out" / "bench.json", tmp_path / "out" / "bench.png"
    wanted = ("--case", "320", "--peers", "1,2", "--runs", "1", "--seconds", "2", *PINNED)
    files = ("--json", str(written), "--plot", str(drawn))
    assert main(["--clip", str(clip), *wanted, *files]) == 0

    title, heading, *lines, set_up = capsys.readouterr().out.strip().splitlines()
    assert title == f"320x240 at 15 Hz, untuned, server on core {CORES[0]}"
    assert heading.split()[:2] == ["peers", "results/s"]
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert {line.split()[-1] for line in lines} <= {"yes", "no"}

    document = json.loads(written.read_text())
    assert document["machine"].endswith(f"{os.cpu_count()} cores")
    (run,) = document["runs"]
    assert (run["case"], run["number"]) == ("320", 1)
    assert run["capacity"] in {0, 1, 2}
    assert run["ready_s"] > 0
    assert set_up == f"from offer to answer, as a peer sees it: {run['set_up_ms']:g} ms (median)"
    assert 0 < run["set_up_ms"] < 5000
    assert run["idle_mb"] > 100
    assert [level["peers"] for level in run["levels"]] == [1, 2]
    for level in run["levels"]:
        assert level["results_per_s"] > 0
        assert level["lost"] == 0
        assert 0 < level["interval_p50_ms"] <= level["interval_p95_ms"] <= level["interval_max_ms"]
        for age_ms in (level["age_p50_ms"], level["age_p95_ms"], level["sound_age_p95_ms"]):
            assert 0 < age_ms < 5000
        cost = level["cost"]
        assert cost["server_mb"] > 100
        assert cost["pictures_per_s"] > 0
        assert 0 < cost["server_cores"] <= 1.1
        assert cost["peers_cores"] > 0
        assert cost["loop_lag_p99_ms"] >= 0
        assert cost["drops"] == 0

    assert drawn.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert os.sched_getaffinity(0) == set(CORES)


def refusal(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    """Return what a command says that cannot run: one line, with exit code 1."""
    assert main(flags) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    return line


def test_a_missing_clip_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clip that is not there is named in one line; no server is started for it."""
    missing = str(tmp_path / "nowhere.mp4")
    assert missing in refusal(capsys, "--clip", missing, "--case", "320")


@pytest.mark.parametrize("flag", ["--server-cores", "--peer-cores"])
def test_cores_that_do_not_exist_are_named(
    clip: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    """The line says which cores were asked for and which there are; ours stay as they were."""
    some_exist = f"{CORES[0]},1000"
    flags = ("--clip", str(clip), "--case", "320", *PINNED, flag, some_exist)
    said = refusal(capsys, *flags)
    assert "there are no cores [1000]" in said
    assert f"there are {CORES}" in said
    assert os.sched_getaffinity(0) == set(CORES)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((), "--clip"),
        (("--clip", "a.mp4", "--case", "nonsense"), "nonsense"),
        (("--clip", "a.mp4", "--seconds", "1"), "must be a whole number of at least 2, not '1'"),
        (("--clip", "a.mp4", "--runs", "0"), "must be a whole number of at least 1, not '0'"),
        (("--clip", "a.mp4", "--peers", "1,many"), "many"),
        (("--clip", "a.mp4", "--peers", "0"), "must be a whole number of at least 1, not '0'"),
        (("--clip", "a.mp4", "--server-cores", ""), "must be a whole number of at least 0"),
        (
            ("--clip", "a.mp4", "--peer-cores=-1"),
            "must be a whole number of at least 0, not '-1'",
        ),
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
