"""``python -m eval.fuzz`` against the real server, and what it would call a fault."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.fuzz.__main__ import main
from eval.fuzz.campaign import Campaign
from eval.fuzz.datagrams import DATAGRAMS
from eval.fuzz.media import RTP
from eval.fuzz.report import faults
from eval.fuzz.rounds import Fired
from eval.fuzz.sctp import CHUNKS


def test_the_server_bears_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Thousands of malformed things of every kind change nothing for a healthy peer."""
    written = tmp_path / "out" / "fuzz.json"
    code = main(["--packets", "5000", "--seed", "1", "--json", str(written)])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert said.err == ""

    found = json.loads(written.read_text())
    assert found["faults"] == []
    assert (found["seed"], found["is_alive"], found["serves_anew"]) == (1, True, True)
    assert found["datagrams"] >= 5000
    assert found["results"] >= 10
    assert found["longest_pause_s"] < 3
    assert found["interval_p95_s"] < 1.5
    assert found["before_mb"] > 100
    sent, offers = found["sent"], found["offers"]
    assert sent.keys() >= DATAGRAMS.keys() | RTP.keys() | CHUNKS.keys()
    assert {"DTLS before the handshake", "RTCP, malformed", "messages"} <= sent.keys()
    assert {"200", "400"} <= offers.keys() <= {"200", "400", "413", "415", "503"}
    assert "watcher: " in said.out


def test_a_few_datagrams_are_watched_long_enough(capsys: pytest.CaptureFixture[str]) -> None:
    """However few there are, the healthy peer is watched until a result is due."""
    assert main(["--packets", "100"]) == 0, capsys.readouterr().err


_BORNE = Campaign(
    fired=Fired(),
    seconds=10.0,
    intervals_s=[0.5] * 20,
    watcher_gone=None,
    before_mb=300.0,
    after_mb=310.0,
    attackers_left=False,
    is_alive=True,
    serves_anew=True,
)


def test_a_server_that_bore_it_has_no_faults() -> None:
    """Nothing that was asked for is missing, and what aiortc warns of is no complaint."""
    quiet = 'timestamp=x level=info logger=x event="no answer" exception="Traceback (most"\n'
    assert faults(_BORNE, 'timestamp=x level=warning event="x"\n' + quiet * 100) == []


@pytest.mark.parametrize(
    ("change", "log", "fault"),
    [
        ({"is_alive": False}, "", "the server has ended"),
        ({"serves_anew": False}, "", "no new session is served"),
        ({"watcher_gone": "it was closed"}, "", "lost its connection: it was closed"),
        ({"intervals_s": [0.5, 3.2]}, "", "no result for 3.2 s"),
        ({"intervals_s": []}, "", "no result for inf s"),
        ({"after_mb": 351.0}, "", "memory went from 300 to 351 MB"),
        ({"attackers_left": True}, "", "sessions of attackers have not ended"),
        ({"fired": Fired(odd_answers=["status 500: x"])}, "", "answered with status 500: x"),
        ({}, "Traceback (most recent call last):", "the log has: Traceback"),
        ({}, "timestamp=x level=warning event=x\n" * 21, "21 lines at WARNING or above"),
        ({}, "level=error logger=asyncio", "the log has: level=error"),
    ],
)
def test_what_was_not_borne_is_a_fault(change: dict[str, object], log: str, fault: str) -> None:
    """Each thing that is asked of a server is looked at, and named where it is missing."""
    (found,) = faults(replace(_BORNE, **change), log)
    assert fault in found


@pytest.mark.parametrize("flags", [("--packets", "0"), ("--seed", "-1"), ("--packets", "many")])
def test_nonsense_flags_are_refused(
    flags: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be meant is named in one line, with exit code 2."""
    with pytest.raises(SystemExit) as refused:
        main([f"{flags[0]}={flags[1]}"])
    assert refused.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert flags[0] in line
