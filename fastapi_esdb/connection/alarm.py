"""One timer for many moments."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from time import monotonic


class Alarm:
    """Calls `ring` at the earliest of the moments it was set to; then it is to be set anew.

    A timer for each of thousands of deadlines, most of which never pass, would cost more than what they guard.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """Ring then (in seconds of the monotonic clock), unless it will ring before."""
        if at < self._at:
            self.stop()
            self._at = at
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - monotonic()), self._go_off)

    def stop(self) -> None:
        """Forget what it was set to."""
        if self._timer is not None:
            self._timer.cancel()
        self._at, self._timer = math.inf, None

    def _go_off(self) -> None:
        self.stop()
        self._ring()
