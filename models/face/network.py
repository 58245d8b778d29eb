"""The face network that ships with the project: MobileNetV3-large 0.75 on 48 x 48 grey crops.

Howard et al., "Searching for MobileNetV3", ICCV 2019, as timm builds it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from models.emotions import EMOTIONS
from models.timm_import import import_timm

FACE_SIZE = 48  # pixels, the side of a FER-2013 picture
# The first layers halve the resolution twice; so that they see as much of a face as the pretrained
# network sees of an object, the crop is enlarged first.
WORKING_SIZE = 96
_TIMM_NAME = "tf_mobilenetv3_large_075"


class HalvingConv2d(nn.Conv2d):
    """A convolution that halves even sizes, padded as TensorFlow does: more on the far side.

    timm works the padding out anew for each picture. That it is known beforehand halves the time
    that the exported network takes.
    """

    @classmethod
    def like(cls, other: nn.Conv2d) -> HalvingConv2d:
        """Return one with the shapes of another and weights of its own."""
        size = other.kernel_size[0]
        made = cls(other.in_channels, other.out_channels, size, 2, groups=other.groups, bias=False)
        made.load_state_dict(other.state_dict())
        return made

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        near = (self.kernel_size[0] - 2) // 2
        far = self.kernel_size[0] - 2 - near
        padded = functional.pad(values, (near, far, near, far))
        return functional.conv2d(padded, self.weight, stride=2, groups=self.groups)


class FaceNetwork(nn.Module):
    """Grey crop -> logits.

    Input: float32, shape (batch, 1, 48, 48), grey levels in [0, 1].
    Output: float32 logits, shape (batch, 7), in the order of ``EMOTIONS``.
    """

    def __init__(self) -> None:
        super().__init__()
        timm = import_timm()
        self.working_size = WORKING_SIZE
        self.backbone = timm.create_model(
            _TIMM_NAME, pretrained=False, in_chans=1, num_classes=len(EMOTIONS)
        )
        halving = [
            (name, layer)
            for name, layer in self.backbone.named_modules()
            if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2)
        ]
        for name, layer in halving:
            self.backbone.set_submodule(name, HalvingConv2d.like(layer))
        nn.init.zeros_(self.backbone.classifier.weight)

    def prepared(self, grey: torch.Tensor) -> torch.Tensor:
        """Return what the backbone takes: enlarged, each picture brought to mean 0, deviation 1.

        That is done here, so that under- and over-exposed cameras look alike and no caller has to
        know how.
        """
        side = self.working_size
        mean = grey.mean(dim=(1, 2, 3), keepdim=True)
        deviation = (grey - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        standard = (grey - mean) / (deviation + 0.02)
        return functional.interpolate(standard, (side, side), mode="bilinear", align_corners=False)

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.backbone(self.prepared(grey))
        return logits
