"""``python -m eval.soak`` against the real server: that it is borne, and that a leak is not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from eval.soak.__main__ import main
from eval.soak.plan import Kind
from tests.eval.recordings import Sound, steady, write_recording
from tests.media import photograph_clip

# The gate runs two minutes; who tries something out need not wait that long.
_MINUTES = float(os.environ.get("SOAK_MINUTES", "0.3"))
_LIVES = max(4, round(30 * _MINUTES))
_STEADY_MINUTES = max(0.1, _MINUTES / 4)  # long enough for a first result on a busy machine

# The server, but each session leaves behind a task and a file, and an error in the log.
_LEAKY = """
import asyncio, logging, runpy, sys
sys.path.insert(0, {root!r})
from rtc import session
kept, close = [], session.PeerSession.aclose
async def aclose(self):
    await close(self)
    logging.getLogger("rtc").error("something is wrong")
    kept.append((asyncio.create_task(asyncio.sleep(3600)), open("/dev/null")))
session.PeerSession.aclose = aclose
runpy.run_path({server!r}, run_name="__main__")
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A photograph and synthetic speech."""
    made = photograph_clip()
    pictures = steady(made.pictures[0], seconds=3.0, rate_hz=15)
    return write_recording(tmp_path / "clip.mkv", pictures, Sound(made.sound))


@pytest.mark.timeout(180 + 120 * _MINUTES)
def test_the_server_bears_it(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After lives of all kinds and a steady load it holds what it held, and has not complained."""
    written = tmp_path / "out" / "soak.json"
    wanted = ("--lives", str(_LIVES), "--minutes", str(_STEADY_MINUTES), "--at-once", "8")
    code = main(["--clip", str(clip), *wanted, "--json", str(written)])
    said = capsys.readouterr()
    print(said.out)
    assert code == 0, said.out + said.err

    document = json.loads(written.read_text())
    assert document["holds"] is True
    assert document["amount"] == {
        "lives": _LIVES,
        "minutes": _STEADY_MINUTES,
        "at_once": 8,
        "seed": 0,
    }
    judged = {each["name"]: each for each in document["criteria"]}
    for name in ("resident memory, MB", "file descriptors", "threads", "tasks"):
        assert judged[name]["before"] > 0
        assert judged[name]["found"] > 0
    assert sum(sum(fates.values()) for fates in document["lives"].values()) == _LIVES
    assert len(document["stays"]) == 4 + 8
    assert all(stay["results"] > 0 for stay in document["stays"])
    assert max(document["samples"]["sessions"]) > 4
    lines = said.out.splitlines()
    assert [line.split()[-1] for line in lines[: len(judged) + 1]] == [
        "holds",
        *["yes"] * len(judged),
    ]
    assert [line[:24].strip() for line in lines if line[:24].strip() in set(Kind)] == list(Kind)


@pytest.mark.timeout(240)
def test_a_leak_is_found(
    clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that keeps a task and a file of each session, and logs errors, has not borne it."""
    root = Path(__file__).parents[3]
    leaky = tmp_path / "leaky.py"
    leaky.write_text(_LEAKY.format(root=str(root), server=str(root / "server.py")))
    monkeypatch.setattr("eval.bench.benched_server._SERVER", leaky)
    monkeypatch.setattr("eval.soak.course._REST_PATIENCE_S", 20.0)
    monkeypatch.setattr("eval.soak.course.ROUND_LENGTH", 4)  # a short warm-up
    wanted = ("--lives", "6", "--minutes", "0", "--at-once", "6")
    assert main(["--clip", str(clip), *wanted]) == 1
    said = capsys.readouterr()
    missed = {line[:26].strip() for line in said.out.splitlines() if line.endswith(" no")}
    assert missed == {"file descriptors", "tasks", "complaints in the log"}
    assert "something is wrong" in said.err


def test_a_missing_clip_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clip that is not there is named in one line; no server is started for it."""
    missing = str(tmp_path / "nowhere.mp4")
    assert main(["--clip", missing]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert missing in line


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((), "--clip"),
        (("--clip", "a.mp4", "--lives", "0"), "must be a whole number of at least 1, not '0'"),
        (("--clip", "a.mp4", "--minutes=-1"), "must be a number from 0 to 10000, not '-1'"),
        (("--clip", "a.mp4", "--at-once", "101"), "must be a whole number from 1 to 100"),
        (("--clip", "a.mp4", "--seed", "x"), "must be a whole number of at least 0, not 'x'"),
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
