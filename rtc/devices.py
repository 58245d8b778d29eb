"""Names this machine's cameras and microphones as FFmpeg opens them, system by system."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import av

_SIZE = {"video_size": "640x480"}  # or what the camera has that comes near
# Where systems keep ALSA's settings; the ALSA that comes with PyAV looks where it was built.
_ALSA_FOLDER = Path("/usr/share/alsa")


@dataclass(frozen=True)
class Device:
    """What FFmpeg is told to open: a name, by one of its own formats, with options of that."""

    name: str
    format: str
    options: dict[str, str] = field(default_factory=dict)


def cameras(name: str, system: str = sys.platform) -> list[Device]:
    """Return what may be the camera of this name, the likeliest first.

    Args:
        name: as ``rtc.sources.Camera`` has it.
        system: as ``sys.platform`` calls it.
    """
    if system == "darwin":
        # Its default rate, 29.97 Hz, is one that hardly any camera has.
        return [Device(f"{name}:none", "avfoundation", {**_SIZE, "framerate": "30"})]
    if system == "win32":
        return [Device(f"video={each}", "dshow", _SIZE) for each in _on_windows(name, "video")]
    paths = sorted(map(str, Path("/dev").glob("video*"))) if name == "default" else [name]
    return [Device(path, "v4l2", _SIZE) for path in paths]


def microphones(name: str, system: str = sys.platform) -> list[Device]:
    """Return what may be the microphone of this name, the likeliest first; see ``cameras``."""
    if system == "darwin":
        return [Device(f"none:{name}", "avfoundation")]
    if system == "win32":
        short = {"audio_buffer_size": "50"}  # ms; its default is half a second
        return [Device(f"audio={each}", "dshow", short) for each in _on_windows(name, "audio")]
    names = ["default", "sysdefault"] if name == "default" else [name]
    sound = [Device(each, "alsa") for each in names]
    if "pulse" in av.formats_available and name == "default":
        sound.insert(0, Device(name, "pulse"))
    return sound


def prepare_alsa() -> None:
    """Have ALSA find its settings, unless it is told where they are; call before it is used."""
    if (_ALSA_FOLDER / "alsa.conf").exists():
        os.environ.setdefault("ALSA_CONFIG_DIR", str(_ALSA_FOLDER))


def _on_windows(name: str, kind: str) -> list[str]:
    """Return names for DirectShow, which knows no default."""
    if name != "default":
        return [name]
    found = av.enumerate_input_devices("dshow")
    return [device.name for device in found if kind in device.media_types]
