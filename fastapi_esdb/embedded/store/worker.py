"""A thread for work that blocks, of a storage or a script, instead of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Worker:
    """One thread, started by the first call and ended by `stop`; calls run in order."""

    def __init__(self, name: str = "esdb-store") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[[], Result]) -> Result:
        """Call on the thread. A cancelled caller leaves the call running."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def stop(self) -> None:
        """End the thread when it has done all calls."""
        self._executor.shutdown()
