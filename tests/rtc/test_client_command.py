"""``python -m rtc.client``: what it prints, to whom, and with which exit code it ends."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rtc.client_command import Lines, main
from rtc.config import ServerConfig
from rtc.doors import Doors
from rtc.messages import EmotionMessage, ModalityMessage
from tests.conftest import LiveServer, StartServer
from tests.media import Clip
from tests.processes import EMBEDDED, Launch, ready
from tests.rtc.results import empty_result
from tests.rtc.songs import write_talk

_TOKEN = "a-token-for-this-test"
_NOTHING = empty_result(time_ms=1_790_000_000_000)
_LINE = re.compile(
    r" *\d+\.\d s   voice (?:- {13}|[a-z]+ +\d+%)   face (?:- {13}|[a-z]+ +\d+%)"
    r"   both (?:-|[a-z]+ +\d+%)"
)


@pytest.fixture(scope="session")
def talk(happy_clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of 2 s with a face and a voice."""
    return write_talk(tmp_path_factory.mktemp("clips") / "talk.mp4", happy_clip, seconds=2)


async def _run(*arguments: str | Path) -> int:
    """Run it in this process, in a thread; return the exit code."""
    return await asyncio.to_thread(main, [str(each) for each in arguments])


async def test_people_get_a_line_for_each_result(
    server: LiveServer, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice a second a line says when, and what voice, face and both express; then it is over."""
    assert await _run(server.url, talk) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert len(lines) >= 5
    assert [line for line in lines if not _LINE.fullmatch(line)] == []
    assert re.search(r"voice [a-z]+ .*face [a-z]+ .*both [a-z]+", lines[-1])
    assert float(lines[-1].split()[0]) == pytest.approx(2.5, abs=1.0)
    assert printed.err == ""


async def test_programs_get_each_result_as_it_came(
    server: LiveServer, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json each line is a message of the wire schema."""
    assert await _run(server.url, talk, "--json") == 0
    results = [EmotionMessage.from_json(line) for line in capsys.readouterr().out.splitlines()]
    assert [result.sequence for result in results] == list(range(len(results)))
    assert results[-1].evidence == "both"


def test_what_is_weak_or_missing_has_no_name() -> None:
    """Below 35 % it is called uncertain, as in the page; without evidence there is a dash."""
    shares = {"sad": 0.34, "happy": 0.33, "angry": 0.33}
    lines = Lines()
    weak = ModalityMessage("sad", shares, 10)
    sure = ModalityMessage("sad", {**shares, "sad": 0.351}, 10)
    first = replace(_NOTHING, voice=weak, fused=sure, sound_time_ms=12_480)
    assert lines.next(first) == (
        "   12.5 s   voice uncertain  34%   face -                both sad        35%"
    )
    later = replace(_NOTHING, time_ms=_NOTHING.time_ms + 500)
    assert lines.next(later) == "   13.0 s   voice -                face -                both -"


@pytest.mark.parametrize("way", ["flag", "environment", "address"])
async def test_a_token_may_come_in_every_way(
    way: str, start_server: StartServer, talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its flag, by the environment, or in the address that the page is opened with."""
    server = await start_server(ServerConfig(doors=Doors(token=_TOKEN)))
    if way == "environment":
        monkeypatch.setenv("EMOTION_TOKEN", _TOKEN)
    url = f"{server.url}/#token={_TOKEN}" if way == "address" else server.url
    assert await _run(url, talk, *(("--token", _TOKEN) if way == "flag" else ())) == 0


async def test_without_the_token_it_says_how_to_give_it(
    start_server: StartServer, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal is one line, and exit code 1."""
    server = await start_server(ServerConfig(doors=Doors(token=_TOKEN)))
    assert await _run(server.url, talk) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert printed.err.startswith("error: the server refused (401): ")
    assert "--token" in printed.err


async def test_the_link_to_watch_is_printed_first(
    server: LiveServer, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --watch, standard error has the link, and standard output results alone."""
    assert await _run(server.url, talk, "--watch", "--json") == 0
    printed = capsys.readouterr()
    assert re.fullmatch(rf"watch at {server.url}/watch#session=[\w-]{{22,}}\n", printed.err)
    assert all(line.startswith("{") for line in printed.out.splitlines())


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [("missing.mp4", None, "there is no such file"), ("notes.mp4", b"words", "cannot be read")],
)
async def test_nothing_to_send_is_exit_code_2(
    name: str,
    content: bytes | None,
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file that is missing, or no recording, is said in one line, whether there is a server."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert await _run("http://127.0.0.1:9", path) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {path} cannot be played: ")
    assert (sentence in said, said.count("\n")) == (True, 1)


async def test_no_server_is_exit_code_1(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody listens, one line says so."""
    assert await _run("http://127.0.0.1:9", talk) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: http://127.0.0.1:9 cannot be reached: ")
    assert said.count("\n") == 1


async def test_a_folder_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is there, but cannot be sent."""
    assert await _run("http://127.0.0.1:9", tmp_path) == 2
    assert "it is a folder; name a file" in capsys.readouterr().err


async def test_the_other_scheme_is_thought_of(
    server: LiveServer, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who says https to a server that serves http is asked whether it does."""
    assert await _run(server.url.replace("http://", "https://"), talk) == 1
    assert "; does it serve http, perhaps?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("127.0.0.1:8080", "a.mp4"), "URL: must be an address such as http://127.0.0.1:8080"),
        (("http://127.0.0.1:9",), "name a recording or say --camera"),
        (("http://127.0.0.1:9", "a.mp4", "--camera"), "name a recording or say --camera"),
        (("http://127.0.0.1:9", "a.mp4", "--fingerprint", "AB"), "64 hexadecimal digits"),
        (("http://127.0.0.1:9", "a.mp4", "--jsno"), "unrecognized arguments: --jsno (see --help)"),
    ],
)
def test_wrong_flags_are_one_line(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A flag that cannot be heeded ends the command with exit code 2 and one line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    assert sentence in said


async def test_a_certificate_that_signed_itself_needs_its_fingerprint(
    launch: Launch, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it the line says so; with another it says which it is; with that one it works."""
    process = await launch("--port", "0", "--self-signed", *EMBEDDED)
    _, url = await ready(process)
    assert await _run(url.replace("https://", "http://"), talk) == 1
    assert "; does it serve https, perhaps?" in capsys.readouterr().err
    assert await _run(url, talk) == 1
    assert "--fingerprint" in capsys.readouterr().err
    assert await _run(url, talk, "--fingerprint", "00" * 32) == 1
    said = capsys.readouterr().err
    fingerprint = re.search(r"its fingerprint is ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\n", said)
    assert fingerprint
    assert await _run(url, talk, "--fingerprint", fingerprint[1]) == 0
