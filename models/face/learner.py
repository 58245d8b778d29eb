"""A face network while it learns: with a second head, for how ten people would vote.

FER-2013 has one label a picture, which often is not what people see; FER+ has ten people's votes.
A body that must tell both learns what is in the picture, and the first head how FER-2013 calls it.
Only body and first head are kept.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from models.emotions import EMOTIONS
from models.face.fer2013 import FERPLUS_CLASSES
from models.face.network import FaceNetwork


class Learner(nn.Module):
    """Grey crop -> logits of the labels and of the votes.

    Input: as of ``FaceNetwork``. Output: float32, shape (batch, 7 + 10): logits in the order of
    ``EMOTIONS``, then in that of ``FERPLUS_CLASSES``.
    """

    def __init__(self, network: FaceNetwork, drop_rate: float) -> None:
        """Teach ``network``, of whose features ``drop_rate`` are dropped in training."""
        super().__init__()
        self.network = network
        self.votes = nn.Linear(network.backbone.classifier.in_features, len(FERPLUS_CLASSES))
        nn.init.zeros_(self.votes.weight)
        self._keep_rate = 1 - drop_rate
        self._dice: torch.Generator | None = None

    def begin_epoch(self, working_size: int, seed: int) -> None:
        """Go on in training mode at a working size, in pixels; ``seed`` fixes what is dropped.

        Learners in several threads have dice of their own: which of them comes first is chance.
        """
        self.network.working_size = working_size
        self._dice = torch.Generator().manual_seed(seed)
        self.train()

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        backbone = self.network.backbone
        maps = backbone.forward_features(self.network.prepared(grey))
        features = backbone.forward_head(maps, pre_logits=True)
        if self.training:
            kept = torch.rand(features.shape, generator=self._dice) < self._keep_rate
            features = features * kept.to(features.device) / self._keep_rate
        return torch.cat([backbone.classifier(features), self.votes(features)], dim=1)


def loss_of(outputs: torch.Tensor, wanted: torch.Tensor, votes_share: float) -> torch.Tensor:
    """Return the mean cross-entropy of the labels, and ``votes_share`` of that of the votes.

    Args:
        outputs: of a ``Learner``, shape (batch, 17).
        wanted: probabilities, shape (batch, 17); all zero for votes that there are none of.
        votes_share: 0 or more.
    """
    ours = len(EMOTIONS)
    of_labels = functional.cross_entropy(outputs[:, :ours], wanted[:, :ours])
    of_votes = functional.cross_entropy(outputs[:, ours:], wanted[:, ours:])
    return of_labels + votes_share * of_votes
