"""A cycle of learning: what teachers say is part of what is learned; accuracy is by clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.voice.batches import BatchMaker
from models.voice.clips import Clip
from models.voice.network import VoiceNetwork
from models.voice.phase import Checkpoint, Phase, evaluate, run_phase
from models.voice.recipe import VoiceTraining
from tests.models.voice.hummed import hum, hummed_clips


def test_teachers_are_learned_from(tmp_path: Path):
    """Who learns from teachers alone comes to say what they say, whatever the labels are."""
    clips, recipe = hummed_clips(), VoiceTraining(batch_size=4)
    teacher, pupil = VoiceNetwork(), VoiceNetwork()
    for network in (teacher, pupil):
        network.deviation.fill_(100)
    with torch.no_grad():
        teacher.classifier[1].bias[3] += 8  # hears happiness everywhere
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    phase = Phase(12, 1e-2, 0.0, seed=0, teachers=(teacher,), teachers_share=1.0)
    kept = Checkpoint(tmp_path / "pupil.pt", "pupil")
    run_phase(phase, pupil, BatchMaker(clips, recipe), clips[:7], kept)
    mfcc = torch.from_numpy(BatchMaker(clips, recipe).draw(np.random.default_rng(1))[0])
    with torch.inference_mode():
        assert (pupil.eval()(mfcc).argmax(1) == 3).all()
    assert all(torch.equal(before[name], tensor) for name, tensor in teacher.state_dict().items())


def test_evaluate_by_hand():
    """Accuracy of clips is that of their mean, which may differ from that of their windows."""

    class FirstCoefficient(torch.nn.Module):
        """Hears "disgust" in loud windows, strongly, and "angry" in quiet ones, weakly."""

        def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
            loud = mfcc[:, :, 0].amax(1) > -400
            weak, strong = torch.zeros(7), torch.zeros(7)
            weak[0], strong[1] = 1.0, 9.0
            return torch.where(loud[:, None], strong, weak)

    quiet, loud = np.zeros(16_000, np.float32), hum(200, seconds=1.0)
    network = FirstCoefficient()
    clip = Clip("x", "1", 1, (np.concatenate([quiet, quiet, loud]),))
    by_clip, by_window = evaluate(network, [clip])
    assert by_clip == 1.0
    assert by_window == pytest.approx(2 / 5)
    short = Clip("x", "1", 0, (quiet[:4000],))
    assert evaluate(network, [clip, short]) == (1.0, pytest.approx(3 / 6))
