"""The signals that ask a server to stop.

It tells the app by the lifespan, which is too late for answers without an end: servers wait for open answers before.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGBREAK")
ASKING_TO_STOP = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]

Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def before_the_server(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` on this event loop when a signal asks the server to stop, in the meantime.

    The server's own handler runs as ever; it is the one that is installed now. Nothing is told where there is none, and
    in other threads than the main one, since servers hear no signals there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def tell_soon() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(tell)

    _front.add(tell_soon)
    try:
        yield
    finally:
        _front.remove(tell_soon)


class _Front:
    """One handler for all who want to be told, in front of the server's handlers as long as there is anybody."""

    def __init__(self) -> None:
        self._told: list[Callable[[], None]] = []
        self._behind: dict[int, Handler] = {}

    def add(self, tell: Callable[[], None]) -> None:
        self._told.append(tell)
        for number in ASKING_TO_STOP:
            handler = signal.getsignal(number)
            if callable(handler) and handler != self._handle:
                self._behind[number] = handler
                signal.signal(number, self._handle)

    def remove(self, tell: Callable[[], None]) -> None:
        self._told.remove(tell)
        if self._told:
            return
        for number, handler in self._behind.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)
        self._behind.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        for tell in tuple(self._told):
            tell()
        self._behind[number](number, frame)


_front = _Front()
