"""The one clock of capture times: seconds that never go back, passed in so that tests can turn it."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
