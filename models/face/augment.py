"""Make FER-2013 pictures look as live crops do: moved, blurred, dark, and coded by JPEG or VP8."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch.nn import functional


def augment(
    images: torch.Tensor, generator: torch.Generator, strength: float = 1.0
) -> torch.Tensor:
    """Return a randomly altered copy of grey pictures.

    Args:
        images: float32 in [0, 1], shape (batch, 1, side, side).
        generator: the only source of randomness, so that a seed fixes the result.
        strength: in [0, 1], how far pictures are moved and relit and how many are damaged. A
            network that begins with 1 learns next to nothing for its first thousand steps.

    Returns:
        float32 in [0, 1] of the same shape.
    """
    images = _move(images, generator, strength)
    images = _relight(images, generator, strength)
    images = _blur(images, generator, share=0.2 * strength)
    images = _recode(images, generator, share=0.25 * strength)
    images = _add_noise(images, generator, share=0.25 * strength)
    return _erase(images, generator, share=0.3 * strength)


def _uniform(generator: torch.Generator, count: int, low: float, high: float) -> torch.Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _chosen(generator: torch.Generator, count: int, share: float) -> torch.Tensor:
    return torch.rand(count, generator=generator) < share


def _move(images: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    """Mirror, turn by 15 degrees, scale by 18 % (another crop margin) and shift by 8 %, at most."""
    count = len(images)
    angle = _uniform(generator, count, -15, 15) * (strength * math.pi / 180)
    scale = torch.exp(_uniform(generator, count, -0.17, 0.17) * strength)
    mirror = torch.where(_chosen(generator, count, 0.5), -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) * scale * mirror
    theta[:, 0, 1] = -torch.sin(angle) * scale
    theta[:, 1, 0] = torch.sin(angle) * scale * mirror
    theta[:, 1, 1] = torch.cos(angle) * scale
    theta[:, 0, 2] = _uniform(generator, count, -0.16, 0.16) * strength
    theta[:, 1, 2] = _uniform(generator, count, -0.16, 0.16) * strength
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _relight(images: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    """Change gamma, contrast and brightness: low light, back light, a screen's glow."""
    count = len(images)
    gamma = torch.exp(_uniform(generator, count, -0.5, 0.5) * strength).view(-1, 1, 1, 1)
    contrast = torch.exp(_uniform(generator, count, -0.5, 0.25) * strength).view(-1, 1, 1, 1)
    brightness = (_uniform(generator, count, -0.2, 0.2) * strength).view(-1, 1, 1, 1)
    altered = images.clamp(1e-4, 1).pow(gamma)
    return ((altered - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)


def _blur(images: torch.Tensor, generator: torch.Generator, share: float) -> torch.Tensor:
    chosen = _chosen(generator, len(images), share)
    kernel = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = torch.outer(kernel, kernel).view(1, 1, 3, 3)
    padded = functional.pad(images[chosen], (1, 1, 1, 1), mode="replicate")
    images = images.clone()
    images[chosen] = functional.conv2d(padded, kernel)
    return images


def _recode(images: torch.Tensor, generator: torch.Generator, share: float) -> torch.Tensor:
    """Pass through JPEG, whose 8 x 8 blocks and quantiser resemble those of a VP8 key frame."""
    chosen = _chosen(generator, len(images), share).nonzero().flatten().tolist()
    qualities = _uniform(generator, len(images), 15, 70).int().tolist()
    images = images.clone()
    for index in chosen:
        pixels = (images[index, 0].numpy() * 255).astype(np.uint8)
        _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, qualities[index]])
        decoded = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
        images[index, 0] = torch.from_numpy(decoded.astype(np.float32) / 255)
    return images


def _add_noise(images: torch.Tensor, generator: torch.Generator, share: float) -> torch.Tensor:
    strength = _uniform(generator, len(images), 0, 0.03) * _chosen(generator, len(images), share)
    noise = torch.randn(images.shape, generator=generator)
    return (images + noise * strength.view(-1, 1, 1, 1)).clamp(0, 1)


def _erase(images: torch.Tensor, generator: torch.Generator, share: float) -> torch.Tensor:
    """Cover a square of up to a third of the side with grey: a hand, hair, a cup."""
    count, _, height, width = images.shape
    side = _uniform(generator, count, 0.12, 0.33) * width
    top = _uniform(generator, count, 0, 1) * (height - side)
    left = _uniform(generator, count, 0, 1) * (width - side)
    rows = torch.arange(height).view(1, -1, 1)
    columns = torch.arange(width).view(1, 1, -1)
    inside_rows = (rows >= top.view(-1, 1, 1)) & (rows < (top + side).view(-1, 1, 1))
    inside_columns = (columns >= left.view(-1, 1, 1)) & (columns < (left + side).view(-1, 1, 1))
    covered = inside_rows & inside_columns & _chosen(generator, count, share).view(-1, 1, 1)
    return images.masked_fill(covered.unsqueeze(1), 0.5)
