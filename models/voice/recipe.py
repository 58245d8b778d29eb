"""What a training run of the voice network is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VoiceTraining:
    """What a run is made of; the defaults gave the shipped weights.

    Several members learn by themselves; then the first learns from what all of them say
    (Hinton et al., "Distilling the knowledge in a neural network", 2015).
    """

    members: int = 3
    steps: int = 3000  # of each member
    peak_learning_rate: float = 2e-3
    averaging_decay: float = 0.998
    label_smoothing: float = 0.1
    distilling_share: float = 0.33  # of ``steps``
    distilling_learning_rate: float = 1e-3
    distilling_averaging_decay: float = 0.995
    teachers_share: float = 0.7  # of a target; the labels have the rest
    batch_size: int = 64
    weight_decay: float = 0.02
    warmup_share: float = 0.1
    mixup_alpha: float = 0.3
    drop_rate: float = 0.4
    speed_range: float = 0.15
    longest_mask_frames: int = 20
    ravdess_share: float = 0.75  # of a batch; the other corpora share the rest
    seed: int = 0
