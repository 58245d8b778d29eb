"""Which clip is fused with which picture: no data set here has both of one person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.emotions import EMOTIONS


def draw_pairs(
    voice_labels: npt.NDArray[np.int64],
    face_labels: npt.NDArray[np.int64],
    per_class: int,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Draw pairs of a clip and a picture that carry the same label.

    A clip or picture may stand in several pairs. Classes that one side lacks give none.

    Args:
        voice_labels: indices into ``EMOTIONS``, shape (v,).
        face_labels: the same, shape (f,).
        per_class: pairs of each class; 0 draws as many as the class's longer side has.
        seed: of the draw.

    Returns:
        Rows of the voice and of the face, int64, shape (n, 2).
    """
    rng = np.random.default_rng(seed)
    pairs: list[tuple[np.int64, np.int64]] = []
    for label in range(len(EMOTIONS)):
        spoken = np.flatnonzero(voice_labels == label)
        shown = np.flatnonzero(face_labels == label)
        if not len(spoken) or not len(shown):
            continue
        count = per_class or max(len(spoken), len(shown))
        pairs += [(rng.choice(spoken), rng.choice(shown)) for _ in range(count)]
    return np.array(pairs, np.int64).reshape(-1, 2)
