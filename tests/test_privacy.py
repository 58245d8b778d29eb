"""Nothing of a session stays: no file is written, and no log tells what was said or shown."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.processes import EMBEDDED, Launch, ready

_OPENED = re.compile(r'\bopen(?:at)?\((?:[^,"]*, )?"(?P<path>[^"]*)", (?P<flags>[A-Z_|]+)')
_CHANGED = re.compile(r"\b(?:creat|mkdir|mknod|rename|link|symlink|truncate)(?:at2?|at)?\(")


async def test_a_session_writes_no_file(launch: Launch, happy_clip: Clip, tmp_path: Path) -> None:
    """The system is asked to open nothing for writing while somebody is served, from the offer to
    the end.
    """
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "calls"
    command = ("strace", "-f", "-qq", "-e", "trace=file", "-e", "signal=none", "-o", str(log))
    process = await launch("--port", "0", *EMBEDDED, before=command)
    _, url = await ready(process, within_s=60)
    begun_at = log.stat().st_size
    async with Peer(url, SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)) as peer:
        assert (await peer.results(6, timeout_s=60))[-1].evidence == "both"
    await asyncio.sleep(1)  # what comes after the goodbye
    calls = log.read_bytes()[begun_at:].decode(errors="replace").splitlines()
    written = [line for line in calls if _writes(line)]
    assert not written
    # That writing would have been seen: the server opened files for reading all the same.
    earlier = log.read_bytes()[:begun_at].decode(errors="replace").splitlines()
    assert any(_OPENED.search(line) for line in earlier)


def _writes(line: str) -> bool:
    opened = _OPENED.search(line)
    if opened is None:
        return _CHANGED.search(line) is not None
    is_device = opened["path"].startswith("/dev/")
    return not is_device and bool({"O_WRONLY", "O_RDWR", "O_CREAT"} & {*opened["flags"].split("|")})


@pytest.mark.parametrize(
    ("line", "is_written"),
    [
        ('12 openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 5', True),
        ('12 open("/tmp/x", O_RDWR) = 5', True),
        ('12 rename("/tmp/x", "/tmp/y") = 0', True),
        ('12 mkdirat(AT_FDCWD, "/tmp/x", 0777) = 0', True),
        ('12 openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 5', False),
        ('12 openat(AT_FDCWD, "/dev/null", O_RDWR) = 5', False),
        ('12 newfstatat(AT_FDCWD, "/etc/hosts", 0x7ffd, 0) = 0', False),
    ],
)
def test_writing_is_told_from_reading(line: str, *, is_written: bool) -> None:
    """The test above knows every way to make or change a file."""
    assert _writes(line) is is_written


async def test_no_log_tells_what_was_seen_or_how_to_listen(
    launch: Launch, happy_clip: Clip
) -> None:
    """At the most talkative level the log has neither probabilities, nor the passwords of the
    connection, nor the token, nor SDP.
    """
    token = "a-token-for-this-test"
    process = await launch(*("--port", "0", "--log-level", "DEBUG", *EMBEDDED), EMOTION_TOKEN=token)
    log = asyncio.create_task(process.stderr.read())
    _, url = await ready(process)
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(url, *tracks, token=token) as peer:
        messages = await peer.results(6)
        await peer.ask(w_voice=0.4321)
        descriptions = [
            peer.client.connection.localDescription.sdp,
            peer.client.connection.remoteDescription.sdp,
        ]
    process.send_signal(signal.SIGINT)
    said = (await log).decode()
    assert "session ended" in said
    assert token not in said
    for sdp in descriptions:
        (password,) = set(re.findall(r"a=ice-pwd:(\S+)", sdp))
        assert password not in said
    assert "a=ice-pwd:..." in said  # aiortc logs the descriptions; without us, with the password
    numbers = set(re.findall(r"(?<![\d.:])0\.\d{2,4}(?!\d)", said))
    for message in messages:
        for side in (message.voice, message.face, message.fused):
            if side is not None:
                assert json.dumps(side.probabilities) not in said
                assert not {str(p) for p in side.probabilities.values() if p > 0.01} & numbers
