"""Batches: of all classes alike, RAVDESS with its share; masked and mixed as the papers say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.voice.batches import BatchMaker, mask_time, mixup
from models.voice.recipe import VoiceTraining
from tests.models.voice.hummed import hummed_clips

RECIPE = VoiceTraining(steps=6, batch_size=4)


def test_batch():
    """A batch has MFCC of a second each, and labels of all classes alike."""
    mfcc, labels = BatchMaker(hummed_clips(), replace(RECIPE, batch_size=140)).draw(
        np.random.default_rng(0), equipment_share=0.5
    )
    assert mfcc.shape == (140, 101, 40)
    assert mfcc.dtype == np.float32
    assert labels.dtype == np.int64
    assert np.bincount(labels, minlength=7).min() >= 8


def test_share_of_ravdess():
    """RAVDESS has its share of each batch, however many clips the other corpora have."""
    clips = hummed_clips()
    others = [c for c in clips if c.corpus == "tess"] * 20
    marked = [replace(clip, label=0) for clip in others]
    own = [replace(clip, label=1) for clip in clips if clip.corpus == "ravdess"]
    recipe = replace(RECIPE, batch_size=200, ravdess_share=0.25)
    _, labels = BatchMaker(own + marked, recipe).draw(np.random.default_rng(0), 0.0)
    assert labels.mean() == pytest.approx(0.25, abs=0.1)


def test_mask_time():
    """A stretch of frames, at most the longest allowed, becomes the window's mean."""
    lengths = []
    for seed in range(30):
        mfcc = torch.arange(101.0).view(1, 101, 1).expand(1, 101, 40).clone()
        mask_time(mfcc, np.random.default_rng(seed), longest=20)
        altered = (mfcc[0, :, 0] != torch.arange(101.0)).nonzero().flatten()
        assert (mfcc[0, altered] == 50).all()
        lengths.append(len(altered))
    assert max(lengths) <= 20
    assert max(lengths) > 10 > min(lengths)


def test_mixup():
    """Each example keeps the larger share; inputs and targets are blended alike."""
    mfcc = torch.eye(7).view(7, 1, 7).expand(7, 5, 7)
    blended, targets = mixup(mfcc, torch.eye(7), np.random.default_rng(0), alpha=0.3)
    torch.testing.assert_close(blended[:, 0], targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(7))
    assert (targets.diagonal() >= 0.5).all()
    assert (targets.diagonal() < 1).any()
