"""How long the event loop did not come round: what every other task had to wait for."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BOUND = 0.1
"""Seconds of processor time that the loop may be at work for before it comes round, on a machine that is slow.

The server means to need a tenth of it.
"""


BETWEEN_LOOKS = 0.001
"""Seconds, which are as nothing beside the bound; a look at each turn would have the loop turn without end."""


@dataclass
class Watchdog:
    """The longest turn of the loop so far, in seconds of `measure`, give or take the time between two looks."""

    measure: Callable[[], float]
    longest: float = 0.0
    turns: int = 0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = self.measure()
        self._handle = self._loop.call_later(0, self._come_round)

    def stop(self) -> None:
        self._handle.cancel()

    def _come_round(self) -> None:
        now = self.measure()
        self.longest, self._last = max(self.longest, now - self._last), now
        self.turns += 1
        self._handle = self._loop.call_later(BETWEEN_LOOKS, self._come_round)


@contextmanager
def no_collections() -> Iterator[None]:
    """Have the garbage collector rest: it would look at all that this and other tests keep in memory."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def watched(measure: Callable[[], float] = time.thread_time) -> Iterator[Watchdog]:
    """Measure the running loop, by the processor time of its thread unless told otherwise."""
    watchdog = Watchdog(measure)
    with no_collections():
        watchdog.start()
        try:
            yield watchdog
        finally:
            watchdog.stop()
