"""The one limit of time that is carried through everything a call does, and one timer for many of them."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from time import monotonic

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted

YEAR = 365 * 24 * 60 * 60.0
"""Seconds that nothing waits longer than: gRPC, and the protocol, have no room for much more."""


class Deadline(float):
    """A moment, in seconds of the monotonic clock."""

    __slots__ = ()

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the moment that many seconds from now, a year at most."""
        return cls(monotonic() + min(seconds, YEAR))

    def halved(self, now: float) -> Deadline:
        """Return the moment half-way from now."""
        return Deadline((self + now) / 2)

    def left(self) -> float:
        """Return the seconds until then, 0 when it has passed."""
        return max(0.0, self - monotonic())


def seconds(value: object, name: str) -> float:
    """Return a time span that a caller has passed. Raises `InvalidArgument`, which names it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max:
        return value
    raise InvalidArgument(f"{name} must be a number of seconds, 0 or more, not {quoted(value)}")


def patience(value: object, name: str) -> float:
    """Return the same for what may also be waited for without an end, which is infinity."""
    return math.inf if value == math.inf else seconds(value, name)


class Alarm:
    """Calls `ring` at the earliest of the moments it was set to; then it is to be set anew.

    A timer for each of thousands of deadlines, most of which never pass, would cost more than what they guard.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """Have it ring then (in seconds of the monotonic clock), unless it will ring before."""
        if at < self._at:
            self.stop()
            self._at = at
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - monotonic()), self._go_off)

    def stop(self) -> None:
        """Have it not ring at all."""
        if self._timer is not None:
            self._timer.cancel()
        self._at, self._timer = math.inf, None

    def _go_off(self) -> None:
        self.stop()
        self._ring()
