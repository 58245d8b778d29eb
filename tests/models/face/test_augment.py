"""Altered training pictures: same shape, same range, and a seed fixes each of them."""

from __future__ import annotations

import pytest
import torch

from models.face.augment import augment


def pictures(count: int = 64, side: int = 48) -> torch.Tensor:
    """Return coarse patterns of all levels, each unlike its mirror image."""
    rng = torch.Generator().manual_seed(5)
    coarse = torch.rand(count, 1, 6, 6, generator=rng)
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_shape_and_range(strength: float):
    """Shape and type stay, levels stay in 0 to 1, and nothing becomes not a number."""
    given = augment(pictures(), seeded(), strength)
    assert given.shape == (64, 1, 48, 48)
    assert given.dtype == torch.float32
    assert given.isfinite().all()
    assert given.min() >= 0
    assert given.max() <= 1


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_extreme_levels(level: float):
    """Pictures wholly black or white survive it."""
    given = augment(torch.full((32, 1, 48, 48), level), seeded())
    assert given.isfinite().all()
    assert given.min() >= 0
    assert given.max() <= 1


def test_seed():
    """Only the generator is random: a seed fixes the result, another one changes it."""
    images = pictures()
    torch.manual_seed(1)
    first = augment(images, seeded(3))
    torch.manual_seed(2)
    assert torch.equal(augment(images, seeded(3)), first)
    assert not torch.equal(augment(images, seeded(4)), first)


def test_originals_are_left_alone():
    """The pictures that are given are not changed."""
    images = pictures()
    augment(images, seeded())
    assert torch.equal(images, pictures())


def test_strength_zero_only_mirrors():
    """With strength 0 each picture is itself or its mirror image, about as often as not."""
    images = pictures()
    given = augment(images, seeded(), strength=0.0)
    same = (given - images).abs().amax((1, 2, 3)) < 1e-3
    mirrored = (given - images.flip(3)).abs().amax((1, 2, 3)) < 1e-3
    assert (same ^ mirrored).all()
    assert 16 < same.sum() < 48


def test_full_strength_alters():
    """With full strength every picture is altered, yet most still resemble themselves."""
    images = pictures(256)
    given = augment(images, seeded(), strength=1.0)
    both_ways = torch.stack([images, images.flip(3)])
    assert ((given - both_ways).abs().amax((2, 3, 4)) > 0.02).all()

    def standard(batch: torch.Tensor) -> torch.Tensor:
        flat = batch.flatten(-3)
        return (flat - flat.mean(-1, keepdim=True)) / (flat.std(-1, keepdim=True) + 1e-6)

    likeness = (standard(given) * standard(both_ways)).mean(-1).amax(0)
    assert likeness.median() > 0.4


def test_erased_squares():
    """Full strength covers a square of three in ten pictures, half of it of half as many."""

    def covered(strength: float) -> int:
        given = augment(torch.full((400, 1, 48, 48), 0.9), seeded(), strength)
        return int(((given == 0.5).sum((1, 2, 3)) >= 25).sum())

    assert covered(0.0) == 0
    assert 30 < covered(0.5) < 90
    assert 80 < covered(1.0) < 160
