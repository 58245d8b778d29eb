"""The command itself: a real process, from its first line to its last."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import signal
import socket
import ssl
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import ifaddr
import numpy as np
import psutil
import pytest

import server
from tests.media import Clip, PictureTrack, SoundTrack
from tests.peers import Peer
from tests.processes import EMBEDDED, ROOT, Launch, ready
from tests.rtc.certificates import write_pems
from tests.waiting import until


async def test_it_serves_says_with_what_and_ends_on_sigterm(
    launch: Launch, happy_clip: Clip
) -> None:
    """It names models and address, serves a person, and SIGTERM ends all of it within 5 s."""
    process = await launch("--port", "0", "--drain", "1", *EMBEDDED)
    models, url = await ready(process)
    assert re.fullmatch(
        r"Voice: audio_bilstm\. Face: face_mobilenetv3\. Room for \d+ people\.\n", models
    )
    async with Peer(url, SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)) as peer:
        assert await peer.results(2)
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        output, errors = await process.communicate()
        assert time.monotonic() - asked_at < 5
    assert (process.returncode, output, errors) == (0, b"", b"")


async def test_people_take_no_threads_but_aiortcs(launch: Launch, happy_clip: Clip) -> None:
    """A person more is two idle threads more, one of aiortc's for each track: decoders and filters
    would else have one for every processor core, and person.
    """
    process = await launch("--port", "0", *EMBEDDED)
    _, url = await ready(process)
    tracks = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
    async with Peer(url, *tracks) as first:
        await first.results(3)
        with_one = psutil.Process(process.pid).num_threads()
        more = SoundTrack(happy_clip.sound), PictureTrack(happy_clip.pictures)
        async with Peer(url, *more) as second:
            assert (await second.results(3))[-1].evidence == "both"
            assert psutil.Process(process.pid).num_threads() == with_one + 2


def test_ctrl_c_while_libraries_load_is_an_end_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who thinks better of it at once sees no traceback; the exit code is 0."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "limit_threads_or_exit", interrupted)
    assert server.main([]) == 0


async def test_nobody_is_answered_before_the_models_are_ready(launch: Launch) -> None:
    """While models load the port is held but refuses; once the line is printed it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await launch("--port", str(port), *EMBEDDED)
    line = asyncio.create_task(ready(process))
    refused = 0
    while not line.done():
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                break
            refused += 1
        await asyncio.sleep(0.05)
    assert refused > 0
    _, url = await line
    async with aiohttp.ClientSession() as http, http.get(f"{url}/healthz") as response:
        assert response.status == 200


def _workers_of(process: Process) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def _serves(worker: psutil.Process) -> bool:
    return bool(worker.net_connections("udp"))


async def test_a_worker_that_dies_is_replaced_and_the_other_goes_on(
    launch: Launch, happy_clip: Clip
) -> None:
    """Two people are served by two workers; when one is killed, the other's person notices nothing,
    another worker takes the place, and SIGTERM ends all of them.
    """
    process = await launch("--port", "0", "--workers", "2", *EMBEDDED)
    _, url = await ready(process)
    killed, spared = _workers_of(process)
    async with AsyncExitStack() as stack:
        peers = []
        while not (_serves(killed) and _serves(spared)):  # The second goes to the other, mostly.
            assert len(peers) < 8
            peer = Peer(url, SoundTrack(happy_clip.sound))
            peers.append(await stack.enter_async_context(peer))
            await peer.results(2)
        killed.kill()
        # Who was served by which nobody knows: some of them go on.
        going_on = [asyncio.create_task(peer.results(6, timeout_s=15)) for peer in peers]
        done, waiting = await asyncio.wait(going_on, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            sequence = [message.sequence for message in task.result()]
            assert np.diff(sequence).tolist() == [1] * 5
        for task in waiting:
            task.cancel()
    await until(
        lambda: len(_workers_of(process)) == 2 and killed not in _workers_of(process), within_s=30.0
    )
    assert spared in _workers_of(process)
    family = _workers_of(process)
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"is replaced; the others go on" in errors
    assert b"Traceback" not in errors
    assert not any(worker.is_running() for worker in family)


async def test_workers_do_not_outlive_their_parent(launch: Launch) -> None:
    """When the first process is killed, its workers free the port and end."""
    process = await launch("--port", "0", "--workers", "2", *EMBEDDED)
    await ready(process)
    family = _workers_of(process)
    assert len(family) == 2
    process.kill()
    await until(lambda: not any(worker.is_running() for worker in family), within_s=30.0)


async def test_a_taken_port_is_one_line(launch: Launch) -> None:
    """When the port is in use the command says so in a line and fails, before loading models."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        process = await launch("--port", str(port), *EMBEDDED)
        output, errors = await process.communicate()
    assert (process.returncode, output) == (1, b"")
    assert errors.decode().count("\n") == 1
    assert f"port {port} on 127.0.0.1 cannot be used" in errors.decode()


@pytest.mark.parametrize("damage", ["missing", "flipped"])
@pytest.mark.parametrize("name", ["audio_bilstm.pt", "face_mobilenetv3.onnx"])
async def test_bad_shipped_weights_name_file_and_remedy(
    tmp_path: Path, name: str, damage: str
) -> None:
    """Missing or damaged weights end the command with a line that names them and what to do."""
    copy = tmp_path / "project"
    for folder in ("rtc", "models", "eval", "web", "weights"):
        shutil.copytree(ROOT / folder, copy / folder)
    shutil.copy(ROOT / "server.py", copy)
    weights = copy / "weights" / name
    if damage == "missing":
        weights.unlink()
    else:
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "server.py", "--port", "0", *EMBEDDED), cwd=copy, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    text = errors.decode()
    assert (process.returncode, output) == (1, b"")
    assert text.count("\n") == 1
    assert str(weights) in text
    assert f"git checkout -- weights/{name}" in text


async def test_weights_of_ones_own_that_are_not_there(launch: Launch, tmp_path: Path) -> None:
    """AUDIO_WEIGHTS naming no file ends the command with exit code 2 and a line that names it."""
    process = await launch("--port", "0", *EMBEDDED, AUDIO_WEIGHTS=str(tmp_path / "mine.pt"))
    _, errors = await process.communicate()
    assert (process.returncode, errors.decode().count("\n")) == (2, 1)
    assert "mine.pt is missing" in errors.decode()


async def test_a_missing_system_library_is_one_line(launch: Launch, tmp_path: Path) -> None:
    """When OpenCV lacks a library of the system the line names it and how to get it."""
    message = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({message!r})\n")
    process = await launch("--port", "0", *EMBEDDED, PYTHONPATH=str(tmp_path))
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().count("\n") == 1
    assert "libGL.so.1 is missing" in errors.decode()
    assert "apt-get install libgl1 libglib2.0-0" in errors.decode()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--cert-file", "no.pem", "--key-file", "no.key"), "no.pem cannot be read: No such file"),
        (("--cert-file", "no.pem"), "--cert-file and --key-file belong together"),
        (("--ice-server", "stun://here"), "'stun://here' is no ICE server"),
        (("--ice-server", "turn:here"), "a TURN server needs a username and a credential"),
    ],
)
async def test_a_door_that_cannot_be_is_one_line_before_the_models_load(
    launch: Launch, arguments: tuple[str, ...], sentence: str
) -> None:
    """Files and servers that will not do end the command with exit code 2 and one line."""
    process = await launch("--port", "0", "--audio-weights", "none.pt", *EMBEDDED, *arguments)
    output, errors = await process.communicate()
    text = errors.decode()
    assert (process.returncode, output, text.count("\n")) == (2, b"", 1)
    assert sentence in text


async def test_a_made_certificate_is_served_and_its_fingerprint_printed(launch: Launch) -> None:
    """On all addresses --self-signed prints each URL and a fingerprint, which all of them show."""
    process = await launch("--port", "0", "--host", "0.0.0.0", "--self-signed", *EMBEDDED)
    _, url = await ready(process)
    lines = [(await process.stdout.readline()).decode() for _ in range(_network_addresses() + 2)]
    urls = [url, *(line.split()[1].rstrip("/") for line in lines if line.startswith("Open "))]
    assert len(urls) == 1 + _network_addresses()
    assert url.startswith("https://localhost:")
    for one in urls:
        assert await _healthz(one, _printed_fingerprint(lines)) == 200
    await _check_that_it_is_not_plain(url)
    process.send_signal(signal.SIGTERM)
    assert await process.communicate() == (b"", b"")
    assert process.returncode == 0


async def test_a_certificate_of_ones_own_is_served(launch: Launch, tmp_path: Path) -> None:
    """--cert-file and --key-file make the URL https, and what is printed is what is shown."""
    cert_file, key_file = write_pems(tmp_path, "mine")
    flags = ("--cert-file", str(cert_file), "--key-file", str(key_file))
    process = await launch("--port", "0", *flags, *EMBEDDED)
    _, url = await ready(process)
    fingerprint = _printed_fingerprint([(await process.stdout.readline()).decode()])
    assert url.startswith("https://127.0.0.1:")
    assert await _healthz(url, fingerprint) == 200
    der = ssl.PEM_cert_to_DER_cert(cert_file.read_text())
    assert hashlib.sha256(der).digest() == fingerprint.fingerprint
    process.send_signal(signal.SIGTERM)
    assert await process.communicate() == (b"", b"")


async def test_ice_servers_reach_the_page_and_the_credential_no_log(launch: Launch) -> None:
    """What the environment says of ICE servers is told to the page, and no log line shows it."""
    process = await launch(
        *("--port", "0", "--log-level", "DEBUG", *EMBEDDED),
        ICE_SERVERS="stun:127.0.0.1:9, turn:127.0.0.1:9",
        ICE_USERNAME="emotions",
        ICE_CREDENTIAL="for nobody else",
    )
    _, url = await ready(process)
    async with aiohttp.ClientSession() as http, http.get(f"{url}/config") as response:
        assert (await response.json())["ice_servers"] == [
            {"urls": ["stun:127.0.0.1:9"]},
            {
                "urls": ["turn:127.0.0.1:9"],
                "username": "emotions",
                "credential": "for nobody else",
            },
        ]
    process.send_signal(signal.SIGTERM)
    output, errors = await process.communicate()
    assert b"DEBUG" in errors
    assert b"for nobody else" not in output + errors


def _network_addresses() -> int:
    """Count the addresses of IPv4 at which others could reach this machine."""
    found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return sum(not str(ip).startswith(("127.", "169.254.")) for ip in found)


def _printed_fingerprint(lines: list[str]) -> aiohttp.Fingerprint:
    (printed,) = re.findall(
        r"SHA-256 fingerprint .*: ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$", "".join(lines), re.MULTILINE
    )
    return aiohttp.Fingerprint(bytes.fromhex(printed.replace(":", "")))


async def _healthz(url: str, fingerprint: aiohttp.Fingerprint) -> int:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url}/healthz", ssl=fingerprint) as response,
    ):
        return response.status


async def _check_that_it_is_not_plain(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(url.replace("https", "http"))
