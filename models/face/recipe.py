"""What a training run of the face network is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.face.training_data import TargetMix


@dataclass(frozen=True)
class FaceTraining:
    """The defaults are those of the last run that the shipped weights came of.

    Attributes:
        schedule: (working size in pixels, epochs) of each part of the run. Most of what there is
            to learn can be learned at a size that takes half the time.
        shares: parts that a batch is cut into, each worked through by a thread of its own.
        new_rate: times the peak rate, for the layers that begin with nothing.
        votes_share: of the loss of the votes' head, to 1 of the labels'; see ``Learner``.
        votes_lean, prior_correction: see ``models.face.trained``.
        mixup_share: share of the batches that are blends (Zhang et al., ICLR 2018).
    """

    schedule: tuple[tuple[int, int], ...] = ((64, 5), (80, 7), (96, 7))
    batch_size: int = 64
    shares: int = 2
    peak_learning_rate: float = 6e-4
    new_rate: float = 1.5
    weight_decay: float = 0.05
    warmup_share: float = 0.1
    targets: TargetMix = field(default=TargetMix())
    votes_share: float = 0.5
    drop_rate: float = 0.2
    mixup_alpha: float = 0.4
    mixup_share: float = 0.5
    augmentation: float = 1.0
    averaging_decay: float = 0.998
    votes_lean: float = 0.14
    prior_correction: float = 0.2
    seed: int = 0

    @property
    def epochs(self) -> int:
        """Of the whole run."""
        return sum(epochs for _, epochs in self.schedule)

    def size_in(self, epoch: int) -> int:
        """Return the working size, in pixels, of an epoch counted from 0."""
        return [size for size, epochs in self.schedule for _ in range(epochs)][epoch]
