"""The face network that ships with the project: timm's MobileNetV3-small on 48 x 48 grey crops.

Howard et al., "Searching for MobileNetV3", ICCV 2019. Its first convolution keeps the full
resolution (stride 1): of 48 x 48 pixels, half would be too few.
"""

from __future__ import annotations

import torch
from torch import nn

from models.emotions import EMOTIONS
from models.timm_import import import_timm

FACE_SIZE = 48  # pixels, the side of a FER-2013 picture
_TIMM_NAME = "mobilenetv3_small_100"


class FaceNetwork(nn.Module):
    """Grey crop -> logits.

    Input: float32, shape (batch, 1, 48, 48), grey levels in [0, 1].
    Output: float32 logits, shape (batch, 7), in the order of ``EMOTIONS``.
    """

    def __init__(self, drop_rate: float = 0.0, drop_path_rate: float = 0.0) -> None:
        super().__init__()
        timm = import_timm()
        self.backbone = timm.create_model(
            _TIMM_NAME,
            pretrained=False,
            in_chans=1,
            num_classes=len(EMOTIONS),
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
        )
        self.backbone.conv_stem.stride = (1, 1)
        for block in self.backbone.modules():
            # Every residual block begins as the identity (Goyal et al. 2017); without that,
            # training from nothing hardly starts on so few pictures.
            if getattr(block, "has_skip", False) and hasattr(block, "bn3"):
                nn.init.zeros_(block.bn3.weight)
        nn.init.zeros_(self.backbone.classifier.weight)

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        # Each picture is brought to mean 0 and deviation 1 here, inside the network, so that
        # under- and over-exposed cameras look alike and no caller has to know the constants.
        mean = grey.mean(dim=(1, 2, 3), keepdim=True)
        deviation = (grey - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        standard = (grey - mean) / (deviation + 0.02)
        logits: torch.Tensor = self.backbone(standard)
        if self.training:
            return logits
        # A face and its mirror image express the same; the mean of both is right more often.
        mirrored: torch.Tensor = self.backbone(standard.flip(3))
        return (logits + mirrored) / 2
