"""How well a network does on clips held out: of clips and of their windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.voice.clips import Clip
from models.voice.phase import evaluate
from tests.models.voice.hummed import hum


def test_evaluate_by_hand():
    """Accuracy of clips is that of their mean, which may differ from that of their windows."""

    class FirstCoefficient(torch.nn.Module):
        """Hears "disgust" in loud windows, strongly, and "angry" in quiet ones, weakly."""

        def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
            loud = mfcc[:, :, 0].amax(1) > -300
            weak, strong = torch.zeros(7), torch.zeros(7)
            weak[0], strong[1] = 1.0, 9.0
            return torch.where(loud[:, None], strong, weak)

    loud = hum(200, seconds=1.0)
    quiet = np.float32(0.1) * loud
    network = FirstCoefficient()
    clip = Clip("x", "1", 1, (np.concatenate([quiet, quiet, loud]),))
    by_clip, by_window = evaluate(network, [clip])
    assert by_clip == 1.0
    assert by_window == pytest.approx(2 / 5)
    short = Clip("x", "1", 0, (quiet[:4000],))
    assert evaluate(network, [clip, short]) == (1.0, pytest.approx(3 / 6))
