"""``python -m rtc.cluster``: what is wrong in one line, and a cluster that ends when told to.

Ray changes how a process logs, so it is imported in others than the tests'.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import pytest
import yaml

from rtc.cluster.plan import Plan, plan_from
from tests.rtc.cluster.clusters import free_port

_ROOT = Path(__file__).parents[3]
_FILE = _ROOT / "deploy" / "serve.yaml"

# As on a machine where Ray was never installed.
_WITHOUT_RAY = """
import sys
from importlib.abc import MetaPathFinder
class NoRay(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ray":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoRay())
import importlib.util
before = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "ray" else before(name, *rest)
from rtc.cluster.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def _written(folder: Path, port: int | None = None, **args: object) -> Path:
    """Return a file with this plan in place of the one that comes with the project."""
    fields = yaml.safe_load(_FILE.read_text())
    fields["http_options"]["port"] = port or free_port()
    fields["applications"][0]["args"] = args
    file = folder / "serve.yaml"
    file.write_text(yaml.safe_dump(fields))
    return file


def test_the_file_that_comes_along_says_the_defaults() -> None:
    """What deploy/serve.yaml shows as defaults are the defaults."""
    (application,) = yaml.safe_load(_FILE.read_text())["applications"]
    assert plan_from(application["args"]) == Plan()


_OURS = "import_path: 'rtc.cluster.application:build'"

# What is wrong in a file, and what is said of it.
_WRONG = {
    "a: [": "it is no YAML",
    "- 1": "the file: Input should be",
    "http_options: {port: x}": "http_options.port: Input should be a valid integer",
    "applications: []": "it must have one application with import_path: rtc.cluster",
    "applications: [{name: x, import_path: 'a.b:c'}]": "rtc.cluster.application:build",
    f"applications: [{{{_OURS}, args: {{replicas: 2}}}}]": "args: 'replicas' is not known",
    f"applications: [{{{_OURS}, arg: {{}}}}]": "applications.arg is not known here; there are",
    f"applications: [{{{_OURS}, route_prefix: /x}}]": "applications.route_prefix must be /",
    f"applications: [{{{_OURS}}}, {{import_path: 'a.b:c', name: x, route_prefix: /x}}]": "does all",
    f"applications: [{{{_OURS}}}]\nhttp_option: {{port: 1}}": "http_option is not known here",
    f"applications: [{{{_OURS}}}]\nhttp_options: {{prot: 1}}": "http_options.prot is not known",
}

# All in one process, for Ray takes seconds to import.
_READ_ALL = """
import sys
from rtc.cluster.__main__ import main
for path in sys.argv[1:]:
    assert main([path]) == 2
"""


def test_what_is_wrong_in_the_file_is_said(tmp_path: Path) -> None:
    """In one line with the file's name, and exit code 2, before Ray is started."""
    files = []
    for number, text in enumerate(_WRONG):
        files.append(tmp_path / f"serve{number}.yaml")
        files[-1].write_text(text)
    ran = subprocess.run(
        (sys.executable, "-c", _READ_ALL, *map(str, files)),
        cwd=_ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    lines = ran.stderr.splitlines()
    assert (ran.returncode, len(lines)) == (0, len(_WRONG)), ran.stderr
    for line, file, sentence in zip(lines, files, _WRONG.values(), strict=True):
        assert line.startswith(f"error: {file}: ")
        assert sentence in line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With what the system says of it."""
    code, _, errors = _run(str(tmp_path / "nowhere.yaml"))
    assert code == 2
    wanted = f"error: {tmp_path}/nowhere.yaml: it cannot be read: No such file or directory\n"
    assert errors == wanted


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Before Ray is started, which would not say so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, errors = _run(str(_written(tmp_path, port)))
    assert code == 1
    (line,) = errors.splitlines()
    assert f"port {port} on 127.0.0.1 cannot be used: Address already in use" in line
    assert "http_options" in line


def test_without_ray_it_is_said_what_to_install() -> None:
    """Whoever did not install the extra learns how, in one line; the server itself needs no Ray."""
    ran = subprocess.run(
        (sys.executable, "-c", _WITHOUT_RAY, str(_FILE)),
        cwd=_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr == "error: Ray is not installed; it comes with: pip install '.[cluster]'\n"
    server = _WITHOUT_RAY.replace("rtc.cluster.__main__ import main", "server import main")
    ran = subprocess.run(
        (sys.executable, "-c", server, "--host", "no.such.host"),
        cwd=_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "no.such.host is no address to serve on" in ran.stderr


def test_no_cluster_at_the_address_is_said(tmp_path: Path) -> None:
    """Whoever names the address of a cluster that is not there learns how to start one."""
    code, _, errors = _run(str(_written(tmp_path)), "--address", "127.0.0.1:1")
    assert code == 1
    wanted = "error: no Ray cluster is at 127.0.0.1:1; start one with 'ray start --head'\n"
    assert errors == wanted


@pytest.mark.timeout(240)
def test_a_replica_that_cannot_start_says_why(tmp_path: Path) -> None:
    """Its own sentence is the last line, and the exit code 1."""
    flags = ["--audio-weights", "no.pt"]
    file = _written(tmp_path, least_replicas=1, most_replicas=1, flags=flags)
    code, _, errors = _run(str(file))
    assert code == 1
    assert errors.splitlines()[-1].startswith("error: ")
    assert "no.pt" in errors.splitlines()[-1]


@pytest.mark.timeout(240)
async def test_it_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    """It says where to open the page, serves it, and leaves nothing running after SIGTERM."""
    file = _written(
        tmp_path, least_replicas=1, most_replicas=1, flags=["--offline", "--face-model", "embedded"]
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rtc.cluster", str(file)), cwd=_ROOT, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(120):
        said = (await process.stdout.readline()).decode()
    url = re.search(r"Open (http://\S+) in a browser", said)
    assert url, said
    async with aiohttp.ClientSession() as http, http.get(url[1]) as response:
        assert response.status == 200
        assert "<title>" in await response.text()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        await process.communicate()
    assert process.returncode == 0


def _run(*arguments: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        (sys.executable, "-m", "rtc.cluster", *arguments),
        cwd=_ROOT, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr
