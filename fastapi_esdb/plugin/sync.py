"""The connection for `def` endpoints, which run in threads: the same calls, blocking, each with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.errors import WrongEventLoop

Result = TypeVar("Result")


class SyncConnection:
    """`Connection` for threads. It blocks the calling thread, never the event loop, on which the calls run.

    Reads give lists: give them a `limit`. For subscriptions use an `async def` endpoint.
    Calling it on the event loop's own thread raises `WrongEventLoop`, since it would wait for itself.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()

    def _run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Every call has a deadline of its own, so waiting for its end is bounded."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(call, self._loop).result()
        call.close()
        raise WrongEventLoop
