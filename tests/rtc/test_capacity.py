"""How many people a process takes in: what it can serve, and no more while it is behind."""

from __future__ import annotations

import pytest

from models.cost import measured_cost
from models.loading import LoadedModels
from rtc.capacity import sessions_within_one_core


@pytest.mark.parametrize(
    ("voice_ms", "face_ms", "least", "most"),
    [(1.4, 4.0, 32, 44), (1.4, 41.0, 8, 10), (2.8, 8.0, 16, 22), (500, 900, 1, 1)],
    ids=["as measured", "EfficientNet-B2", "half as fast a machine", "far too slow"],
)
def test_places_follow_from_what_a_result_costs(
    voice_ms: float, face_ms: float, least: int, most: int
) -> None:
    """They are about those that the benchmark finds, and half as many where all takes twice."""
    places = sessions_within_one_core(voice_ms / 1000, face_ms / 1000, 0.5)
    assert least <= places <= most


def test_the_cost_is_that_of_all_threads(models: LoadedModels) -> None:
    """Both costs are measured, the face's with the detector's threads, and in milliseconds."""
    cost = measured_cost(models)
    assert 0.0002 < cost.voice_s < 0.05
    assert 0.001 < cost.face_s < 0.1
