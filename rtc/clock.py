"""The one clock of capture times: seconds that never go back, passed in for the tests' sake."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
