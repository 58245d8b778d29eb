"""What the face network is shown of a recording, beside what it learned from, as one picture.

``python -m eval.contact_sheet clip.mp4 --fer FOLDER --out crops.png``

Crops that sit higher, wider or softer than the pictures of FER-2013 cost accuracy that no figure
on FER-2013 shows; a look at this sheet does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.clips import ClipsError, clips_at
from models.command_line import CommandParser
from models.threads import limit_threads_or_exit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from models.loading import LoadedModels
    from rtc.recording import Recording

# Imports that load numpy stand inside the functions: threads must be limited before.

COLUMNS = 8


@dataclass(frozen=True)
class Tile:
    """A crop as the network takes it, float32, (channels, size, size), and what it is taken for.

    ``crop`` is None where no face was found.
    """

    crop: npt.NDArray[np.float32] | None
    title: str


def tiles_of(recording: Recording, models: LoadedModels) -> list[Tile]:
    """Return a tile for each of up to ``COLUMNS`` pictures, evenly spread over a recording.

    Raises:
        rtc.recording.RecordingError: it holds no pictures.
    """
    from models.face.crop import crop_face
    from models.face.predictor import Look

    tiles = []
    for rgb in pictures_of(recording):
        (reading,) = models.face.predict([Look(lambda rgb=rgb: rgb)])  # type: ignore[misc]
        if reading is None:
            tiles.append(Tile(None, "no face"))
        else:
            crop = crop_face(rgb, reading.box, models.classifier.input)
            tiles.append(Tile(crop, _said(reading.scores)))
    return tiles


def tiles_of_fer(folder: Path, models: LoadedModels) -> list[Tile]:
    """Return a tile for each of ``COLUMNS`` pictures of a FER-2013 split, drawn with a fixed seed.

    Raises:
        ValueError: the folder holds none.
    """
    import numpy as np

    from eval.windows import picture_crop
    from models.face.fer2013 import read_split

    split = read_split(folder)
    if not len(split):
        raise ValueError(f"{folder} holds no pictures in class folders")
    rows = np.random.default_rng(0).permutation(len(split))[:COLUMNS]
    crops = [picture_crop(split.images[row], models.classifier.input) for row in rows]
    scores = models.classifier.classify_both_ways(crops)
    return [Tile(crop, _said(said)) for crop, said in zip(crops, scores, strict=True)]


def draw(rows: Sequence[tuple[str, Sequence[Tile]]], models: LoadedModels) -> bytes:
    """Return a PNG with a named row of tiles for each recording."""
    import numpy as np
    from matplotlib.figure import Figure

    from eval.figures import png_of

    wanted = models.classifier.input
    mean, deviation = (np.array(v)[:, None, None] for v in (wanted.mean, wanted.deviation))
    figure = Figure(figsize=(1.35 * COLUMNS, 1.75 * len(rows)), layout="constrained")
    for strip, (name, tiles) in zip(
        figure.subfigures(len(rows), 1, squeeze=False), rows, strict=True
    ):
        strip[0].suptitle(name, fontsize=9, x=0.01, ha="left")
        for axes, tile in zip(strip[0].subplots(1, COLUMNS), tiles, strict=False):
            axes.set_title(tile.title, fontsize=8)
            nothing = np.full((1, 1, 1), 0.9)
            crop = nothing if tile.crop is None else tile.crop * deviation + mean
            pixels = np.clip(crop, 0, 1).transpose(1, 2, 0).squeeze(2 if len(crop) == 1 else ())
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=1)
        for axes in strip[0].axes:
            axes.set_axis_off()
    return png_of(figure)


def _said(scores: npt.NDArray[np.float32]) -> str:
    from models.emotions import EMOTIONS

    best = int(scores.argmax())
    return f"{EMOTIONS[best]} {scores[best]:.0%}"


def pictures_of(recording: Recording) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield uint8 RGB pictures at the middles of equal parts of a recording."""
    import av

    from rtc.recording import RecordingError
    from rtc.video import rgb_of

    if not recording.has_pictures:
        raise RecordingError("it has no pictures")
    step_s = (recording.duration_s or COLUMNS) / COLUMNS
    due_s = step_s / 2
    for arrival in recording.arrivals():
        if isinstance(arrival.frame, av.VideoFrame) and arrival.starts_s >= due_s:
            yield rgb_of(arrival.frame)
            due_s += step_s
            if due_s > step_s * COLUMNS:
                return


def main(argv: Sequence[str] | None = None) -> int:
    """Write the sheet; return 0, 1 where a clip was left out, or 2 where none was named."""
    limit_threads_or_exit()
    from models.loading import ModelConfig, load_models
    from models.runtime import DeviceError
    from models.weights import WeightsError
    from rtc.recording import Recording, RecordingError

    given = _read_flags(argv)
    failed = False
    try:
        clips = clips_at(given.clips)
        models = load_models(ModelConfig(face_model=given.face_model, offline=True))
        rows = [(str(given.fer), tiles_of_fer(given.fer, models))] if given.fer else []
        for clip in clips:
            try:
                tiles = tiles_of(Recording(clip.path), models)
                if all(tile.crop is None for tile in tiles):
                    print(f"{clip.name}: no face was found", file=sys.stderr)
                rows.append((clip.name, tiles))
            except RecordingError as error:
                print(f"{clip.name}: left out: {error}", file=sys.stderr)
                failed = True
        if rows:
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_bytes(draw(rows, models))
            print(f"{given.out}: {len(rows)} row{'' if len(rows) == 1 else 's'}")
    except (ClipsError, DeviceError, OSError, ValueError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, ClipsError) else 1
    return 1 if failed else 0


def _read_flags(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = CommandParser(prog="eval.contact_sheet", description=__doc__)
    add = parser.add_argument
    add("clips", nargs="+", type=Path, metavar="clip", help="recordings, or folders of them")
    add("--fer", type=Path, help="a split of FER-2013, for a first row: FER2013/test, say")
    add("--face-model", choices=("auto", "hsemotion", "embedded"), default="embedded")
    add("--out", type=Path, default=Path("runs/crops.png"))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
