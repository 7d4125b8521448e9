"""Wakes the live readers of those streams that were written to, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class Listeners:
    """Tasks that wait for news of a stream, or of any stream (`None`)."""

    def __init__(self) -> None:
        self._waiting: dict[str | None, set[asyncio.Future[None]]] = {}

    def __bool__(self) -> bool:
        """Return whether there is a listener."""
        return bool(self._waiting)

    async def wait(self, *streams: str | None) -> None:
        """Return at the next `wake` of one of the streams."""
        future = asyncio.get_running_loop().create_future()
        for stream in streams:
            self._waiting.setdefault(stream, set()).add(future)
        try:
            await future
        finally:
            for stream in streams:
                self._forget(stream, future)

    def wake(self, streams: Iterable[str]) -> None:
        """Wake those who wait for these streams."""
        for stream in (None, *streams):
            _finish(self._waiting.pop(stream, ()))

    def wake_all(self) -> None:
        """Wake all, since there will be no more news."""
        waiting, self._waiting = self._waiting, {}
        for futures in waiting.values():
            _finish(futures)

    def _forget(self, stream: str | None, future: asyncio.Future[None]) -> None:
        futures = self._waiting.get(stream, set())
        futures.discard(future)
        if not futures:
            self._waiting.pop(stream, None)


def _finish(futures: Iterable[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
