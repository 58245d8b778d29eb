"""What a training run of the voice network is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VoiceTraining:
    """What a run is made of; the defaults are those that were cross-validated."""

    steps: int = 3000
    batch_size: int = 64
    peak_learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup_share: float = 0.1
    label_smoothing: float = 0.1
    mixup_alpha: float = 0.3
    drop_rate: float = 0.4
    speed_range: float = 0.15
    longest_mask_frames: int = 20
    averaging_decay: float = 0.998
    ravdess_share: float = 0.75  # of a batch; the other corpora share the rest
    short_share: float = 0.25  # of the batches, whose windows are cut to half or more
    equipment_share: float = 0.8  # of the windows, which come as equipment leaves them
    second_share: float = 0.2  # so many more steps in a second, slower cycle
    second_learning_rate: float = 5e-4
    second_averaging_decay: float = 0.995
    seed: int = 0
