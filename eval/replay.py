"""Recordings through the live server's own window, networks, tracker and fusion, as timelines.

``python -m eval.replay clip.mp4``
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.clips import Clip, ClipsError, clips_at
from models.command_line import CommandParser, folder_to_write, number
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    from eval.timeline import Summary
    from models.engine import InferenceEngine
    from models.loading import LoadedModels
    from rtc.config import SessionConfig
    from rtc.recording import Recording

# Imports that load numpy stand inside the functions: threads must be limited before.

_EPILOG = """\
Writes FILE.csv, FILE.json and FILE.png for each clip, and for several summary.csv. Exit code: 0
when every clip was replayed; 1 when one could not be, or the networks cannot be loaded; 2 when
there is nothing to replay, or a flag is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Replay clips; return the exit code that ``--help`` explains."""
    limit_threads_or_exit()
    from eval.timeline import write_summaries
    from models.loading import ModelConfig, load_models
    from models.runtime import DeviceError
    from models.weights import WeightsError

    given, config = _read_flags(argv)
    try:
        clips = clips_at(given.clips)
    except ClipsError as error:
        return _failed(error, 2)
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        models = load_models(ModelConfig(face_model=given.face_model, offline=given.offline))
        summaries = asyncio.run(_replay_all(clips, given.out, models, config))
        if len(clips) > 1 or given.clips[0].is_dir():
            write_summaries(given.out / "summary.csv", summaries)
    except (DeviceError, OSError, WeightsError) as error:
        return _failed(error)
    except KeyboardInterrupt:
        return 130  # as a shell says it; what was being written is gone, what was done stays
    return 1 if any(summary.error for summary in summaries) else 0


async def _replay_all(
    clips: Sequence[Clip], out: Path, models: LoadedModels, config: SessionConfig
) -> list[Summary]:
    from tqdm import tqdm

    from eval.timeline import Summary
    from models.loading import start_engine
    from rtc.recording import RecordingError

    engine = await start_engine(models)
    summaries: list[Summary] = []
    try:
        for number, clip in enumerate(clips, 1):
            try:
                label = f"{clip.name} ({number} of {len(clips)})"
                summary = await _replay_one(clip, out, engine, config, label)
            except RecordingError as error:
                summary = Summary(clip.name, error=str(error))
                tqdm.write(f"{clip.path}: not replayed: {error}", file=sys.stderr)
            summaries.append(summary)
    finally:
        engine.close()
    return summaries


async def _replay_one(
    clip: Clip, out: Path, engine: InferenceEngine, config: SessionConfig, label: str
) -> Summary:
    from tqdm import tqdm

    from eval.timeline import timeline_in
    from rtc.player import Player
    from rtc.recording import Recording

    started_s = time.monotonic()
    recording = Recording(clip.path)
    length_s = recording.duration_s and round(recording.duration_s, 1)
    with (
        tqdm(total=length_s, desc=label, unit="s", leave=False, disable=None) as bar,
        timeline_in(out, clip.name) as timeline,
    ):
        async for moment in Player(recording, engine, config).moments():
            timeline.add(moment)
            bar.update(moment.time_s - bar.n)
        summary = timeline.finish(recording.played_s)
    elapsed_s = time.monotonic() - started_s
    tqdm.write(_line(summary, recording, elapsed_s), file=sys.stdout)
    return summary


def _line(summary: Summary, recording: Recording, elapsed_s: float) -> str:
    """Say in one line what a recording expressed, and what it lacked."""
    duration_s = summary.duration_s or 0.0
    parts = [f"{duration_s:.1f} s in {elapsed_s:.1f} s"]
    for track, label, share in (
        ("voice", summary.voice_label, summary.voice_share),
        ("face", summary.face_label, summary.face_share),
        ("fused", summary.fused_label, summary.fused_share),
    ):
        if label is not None and share is not None:
            parts.append(f"{track} {label} {share:.0%}")
    if not recording.has_sound:
        parts.append("no sound")
    elif summary.voice_label is None:
        parts.append("no voice: all sound is below the silence threshold or too short")
    if not recording.has_pictures:
        parts.append("no pictures")
    elif summary.face_label is None:
        parts.append("no face found")
    if recording.damaged_packets:
        parts.append(f"{recording.damaged_packets} damaged packets left out")
    return f"{summary.file}: {'; '.join(parts)}"


def _read_flags(argv: Sequence[str] | None) -> tuple[argparse.Namespace, SessionConfig]:
    from models.fusion import FUSION_MODES, FusionConfig
    from rtc.config import SessionConfig

    config = SessionConfig()
    fusion = config.tracker.fusion
    parser = CommandParser(prog="eval.replay", description=__doc__, epilog=_EPILOG)
    add = parser.add_argument
    add("clips", nargs="+", type=Path, metavar="CLIP", help="a recording, or a folder of them")
    add(
        "--out",
        type=folder_to_write,
        metavar="FOLDER",
        default=Path("runs/replay"),
        help="where to write [%(default)s]",
    )
    add(
        "--face-model",
        choices=("auto", "hsemotion", "embedded"),
        default="embedded",
        help="which face network, as server.py's flag [%(default)s]",
    )
    add("--offline", action="store_true", help="never download")
    add(
        "--fusion",
        choices=FUSION_MODES,
        default=fusion.mode,
        help="how voice and face become one, as server.py's flag [%(default)s]",
    )
    add(
        "--fuse-w-voice",
        type=number(0, 1),
        default=fusion.w_voice,
        metavar="WEIGHT",
        help="weight of the voice, 0 to 1 [%(default)s]",
    )
    given = parser.parse_args(argv)
    fusion = FusionConfig(given.fuse_w_voice, given.fusion)
    return given, replace(config, tracker=replace(config.tracker, fusion=fusion))


def _failed(error: Exception, code: int = 1) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
