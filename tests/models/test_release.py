"""``python -m models.release``: what it does not do unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import release


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("now", 2)])
def test_whoever_asks_for_help_releases_nothing(
    argument: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``--help`` says what would be overwritten, and what is not understood is not obeyed."""
    # Where it would begin, if it began; the real weights are not put at risk.
    monkeypatch.setattr(release, "WEIGHTS_FOLDER", tmp_path)
    with pytest.raises(SystemExit) as ended:
        release.main([argument])
    assert ended.value.code == code
    said = capsys.readouterr()
    assert ("overwrites the ``.onnx`` files" in said.out) == (code == 0)
    assert ("unrecognized arguments: now" in said.err) == (code == 2)
