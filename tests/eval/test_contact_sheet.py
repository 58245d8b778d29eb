"""The contact sheet: what the network is shown of clips, and that it looks like FER-2013."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval.contact_sheet import COLUMNS, draw, main, pictures_of, tiles_of, tiles_of_fer
from models.face.crop import crop_face
from models.face.fer2013 import read_split
from models.face.predictor import Look
from models.loading import LoadedModels
from rtc.recording import Recording
from tests.eval.recordings import Pictures, Sound, steady, write_recording
from tests.media import ANGRY, DATA, HAPPY, NO_FACE, NO_RECORDINGS, SILENT, photograph_clip

FER_TEST = DATA / "fer2013" / "test"
REPORT = Path(__file__).parents[2] / "test-report"  # git ignores it; to be looked at by people


@pytest.fixture
def smiling(tmp_path: Path) -> Path:
    """A second of a photograph of a woman who smiles, then a second of grey."""
    photograph = photograph_clip().pictures[0]
    frames = [photograph] * 10 + [np.full_like(photograph, 128)] * 10
    return write_recording(tmp_path / "smiling.mp4", Pictures(frames, np.arange(20) / 10))


def test_tiles_are_what_the_network_sees(models: LoadedModels, smiling: Path):
    """Pictures are spread over the whole clip; each tile is the crop that the server would make."""
    recording = Recording(smiling)
    tiles = tiles_of(recording, models)
    assert [tile.crop is not None for tile in tiles] == [True] * 4 + [False] * 4
    assert all(tile.title.startswith("happy ") for tile in tiles[:4])
    assert {tile.title for tile in tiles[4:]} == {"no face"}
    rgb = next(pictures_of(recording))
    (reading,) = models.face.predict([Look(lambda: rgb)])
    assert reading is not None
    seen = crop_face(rgb, reading.box, models.classifier.input)
    np.testing.assert_array_equal(tiles[0].crop, seen)


def test_sheet(models: LoadedModels, smiling: Path):
    """A row of tiles for each clip becomes one picture, taller by each row."""
    tiles = tiles_of(Recording(smiling), models)
    heights = []
    for count in (1, 3):
        png = np.frombuffer(draw([("smiling.mp4", tiles)] * count, models), np.uint8)
        heights.append(cv2.imdecode(png, cv2.IMREAD_COLOR).shape[0])
    assert heights[1] == pytest.approx(3 * heights[0], abs=3)


def test_command(smiling: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Clips that cannot be shown are named, the others are drawn, and the exit code says it."""
    torn, spoken, out = tmp_path / "torn.mp4", tmp_path / "spoken.wav", tmp_path / "crops.png"
    torn.write_bytes(b"torn")
    write_recording(spoken, sound=Sound(photograph_clip().sound))
    flags = ["--face-model", "embedded", "--out", str(out)]
    assert main([str(smiling), *flags]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert main([str(smiling), str(torn), str(spoken), *flags]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"{out}: 1 row", f"{out}: 1 row"]
    assert "torn.mp4: left out: it cannot be read" in said.err
    assert "spoken.wav: left out: it has no pictures" in said.err
    nobody = tmp_path / "nobody.mp4"
    write_recording(nobody, steady(np.full((240, 320, 3), 90, np.uint8), seconds=1.0, rate_hz=10))
    assert main([str(nobody), *flags]) == 0
    assert capsys.readouterr().err == "nobody.mp4: no face was found\n"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main([str(empty), *flags]) == 2
    assert main([str(smiling), "--fer", str(empty), *flags]) == 1
    assert str(empty) in capsys.readouterr().err


@pytest.mark.skipif(not FER_TEST.exists() or not HAPPY.exists(), reason=NO_RECORDINGS)
def test_live_crops_lie_as_training_faces_do(models: LoadedModels):
    """Crops of the clips resemble the mean FER-2013 face more than crops framed otherwise would.

    Leaves the contact sheet in ``test-report/face_crops.png``.
    """
    clips = (ANGRY, HAPPY, SILENT, NO_FACE)
    rows = [("FER-2013", tiles_of_fer(FER_TEST, models))]
    rows += [(clip.name, tiles_of(Recording(clip), models)) for clip in clips]
    assert all(len(tiles) == COLUMNS for _, tiles in rows)
    REPORT.mkdir(exist_ok=True)
    (REPORT / "face_crops.png").write_bytes(draw(rows, models))

    images = read_split(FER_TEST).images
    mean = np.mean([_standard(image) for image in images if image.std() > 1], axis=0)
    mean = _standard(mean + mean[:, ::-1])
    shown = []
    for clip in clips:
        for rgb in pictures_of(Recording(clip)):
            (reading,) = models.face.predict([Look(lambda rgb=rgb: rgb)])
            if reading is not None:
                shown.append((rgb, reading.box))
    assert len(shown) >= 2 * COLUMNS

    def likeness(scale: float, shift: float) -> float:
        tuned = models.classifier.input
        framing = replace(tuned, scale=tuned.scale * scale, shift=tuned.shift + shift)
        crops = [_standard(crop_face(rgb, box, framing)[0]) for rgb, box in shown]
        return float(np.mean([(crop * mean).mean() for crop in crops]))

    otherwise = {(0.8, 0.0), (1.2, 0.0), (1.0, -0.16), (1.0, 0.16)}  # in widths of the box
    assert likeness(1.0, 0.0) > max(likeness(*framing) for framing in otherwise) + 0.03


def _standard(image: np.ndarray) -> np.ndarray:
    return (image - image.mean()) / image.std()
