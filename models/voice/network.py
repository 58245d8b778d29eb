"""The voice network that ships with the project: MFCC into a bidirectional LSTM.

Graves and Schmidhuber, "Framewise phoneme classification with bidirectional LSTM", 2005;
attention over time as in Mirsamadi et al., ICASSP 2017.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from models.emotions import EMOTIONS

_DELTA_REACH = 4  # frames to each side, as in librosa.feature.delta with its default width of 9


class VoiceNetwork(nn.Module):
    """MFCC -> logits.

    Input: float32, shape (batch, frames, 40), 2 or more frames of 10 ms; live: 51-101.
    Output: float32 logits, shape (batch, 7), in the order of ``EMOTIONS``.
    """

    mean: torch.Tensor
    deviation: torch.Tensor
    slope: torch.Tensor

    def __init__(
        self, coefficients: int = 40, hidden: int = 128, layers: int = 2, drop_rate: float = 0.0
    ) -> None:
        super().__init__()
        self.coefficients = coefficients
        self.register_buffer("mean", torch.zeros(coefficients))
        self.register_buffer("deviation", torch.ones(coefficients))
        slope = torch.arange(-_DELTA_REACH, _DELTA_REACH + 1.0)
        slope = slope / slope.square().sum()
        self.register_buffer("slope", slope.repeat(coefficients, 1, 1), persistent=False)
        # Two frames are taken in one step: half the recurrence for no loss of accuracy.
        self.inputs = nn.Sequential(nn.LayerNorm(6 * coefficients), nn.Dropout(drop_rate))
        self.lstm = nn.LSTM(
            6 * coefficients,
            hidden,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=drop_rate,
        )
        self.attention = nn.Linear(2 * hidden, 1)
        self.classifier = nn.Sequential(nn.Dropout(drop_rate), nn.Linear(4 * hidden, len(EMOTIONS)))

    def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
        standard = (mfcc - self.mean) / self.deviation
        # The first coefficient is loudness. Its mean depends on the microphone, so it is removed.
        loudness = standard[:, :, :1]
        standard = torch.cat([loudness - loudness.mean(1, keepdim=True), standard[:, :, 1:]], 2)
        delta = self._delta(standard.transpose(1, 2))
        features = torch.cat([standard.transpose(1, 2), delta, self._delta(delta)], 1)
        features = features.transpose(1, 2)
        steps = features.shape[1] // 2
        paired = features[:, : 2 * steps].reshape(-1, steps, 6 * self.coefficients)
        states, _ = self.lstm(self.inputs(paired))
        weights = torch.softmax(self.attention(states), dim=1)
        pooled = torch.cat([(weights * states).sum(1), states.mean(1)], 1)
        logits: torch.Tensor = self.classifier(pooled)
        return logits

    def _delta(self, channels: torch.Tensor) -> torch.Tensor:
        """Slope over time of each channel, shape (batch, coefficients, frames)."""
        edge = functional.pad(channels, (_DELTA_REACH, _DELTA_REACH), mode="replicate")
        return functional.conv1d(edge, self.slope, groups=self.coefficients)
