"""One look and two: a face, its mirror image, and the mean of both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from models.emotions import softmax
from models.face.crop import crop_face
from models.face.predictor import Look, mirror_image
from models.loading import LoadedModels
from models.tracker import Box


@pytest.fixture(scope="module")
def photograph() -> npt.NDArray[np.uint8]:
    """A photograph of a woman who smiles."""
    return skimage.data.astronaut()


def test_a_look_in_the_mirror_classifies_the_mirror_image(
    models: LoadedModels, photograph: npt.NDArray[np.uint8]
) -> None:
    """Looked at in the mirror, the same face at the same place gets its mirror image's scores."""
    plain, mirrored = models.face.predict(
        [Look(lambda: photograph), Look(lambda: photograph, mirrored=True)]
    )
    assert plain is not None
    assert mirrored is not None
    assert plain.box == mirrored.box
    crop = crop_face(photograph, plain.box, models.classifier.input)
    one, other = (models.classifier.classify([c])[0] for c in (crop, mirror_image(crop)))
    np.testing.assert_allclose(plain.scores, one, atol=1e-5)
    np.testing.assert_allclose(mirrored.scores, other, atol=1e-5)
    assert np.abs(plain.scores - mirrored.scores).max() > 1e-4


def test_both_ways_lies_between(models: LoadedModels, photograph: npt.NDArray[np.uint8]) -> None:
    """Both looks together are the mean of their logits, whichever of both is given."""
    crop = crop_face(photograph, Box(0.35, 0.13, 0.22, 0.22), models.classifier.input)
    mirrored = mirror_image(crop)
    both, again = models.classifier.classify_both_ways([crop, mirrored])
    np.testing.assert_allclose(both, again, atol=1e-5)
    one, other = np.log(models.classifier.classify([crop, mirrored]))
    np.testing.assert_allclose(both, softmax((one + other) / 2), atol=1e-5)


def test_nothing_is_nothing(models: LoadedModels) -> None:
    """No crops give no scores."""
    assert models.classifier.classify_both_ways([]) == models.classifier.classify([]) == []
