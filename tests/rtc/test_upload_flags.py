"""What the flags say of recordings that are sent."""

from __future__ import annotations

import pytest

from models.command_line import CommandParser
from models.loading import ModelConfig
from rtc.upload_flags import add_upload_flags, uploads_from
from rtc.uploads import UploadConfig

_MODELS = ModelConfig(face_model="embedded")


def _read(*arguments: str) -> UploadConfig | None:
    parser = CommandParser()
    add_upload_flags(parser.add_argument)
    return uploads_from(parser.parse_args(arguments), _MODELS)


def test_recordings_are_not_taken_unless_allowed() -> None:
    """Without the flag there is no configuration; the limits alone allow nothing."""
    assert _read() is None
    assert _read("--max-upload-mb", "5") is None


def test_the_limits_are_those_of_the_flags() -> None:
    """Allowed, recordings are analysed by the server's networks, within the limits."""
    assert _read("--allow-upload") == UploadConfig(_MODELS, 100 << 20, 600.0)
    given = _read("--allow-upload", "--max-upload-mb", "1.5", "--max-upload-s", "30")
    assert given == UploadConfig(_MODELS, 1_572_864, 30.0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--max-upload-mb", "0"), "--max-upload-mb: must be a number from 0.1 to 100000, not '0'"),
        (("--max-upload-s", "nan"), "--max-upload-s: must be a number from 1 to 86400, not 'nan'"),
    ],
)
def test_nonsense_is_refused_with_a_reason(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit out of its range ends the command with a line that says why."""
    with pytest.raises(SystemExit):
        _read("--allow-upload", *arguments)
    assert sentence in capsys.readouterr().err
