"""The calls that run now: counted for whoever looks, ended when the server stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi_esdb.embedded.calls import Call


class RunningCalls:
    """The calls that run now, each with its task."""

    def __init__(self) -> None:
        self._calls: dict[asyncio.Task[Any], Call[Any, Any]] = {}
        self.are_stopping = False

    @property
    def counts(self) -> Mapping[str, int]:
        """How many calls run, by `Service.Method`; methods without calls are left out."""
        return Counter(call.name for call in self._calls.values())

    @contextmanager
    def running(self, call: Call[Any, Any]) -> Iterator[None]:
        """Count the call, which the current task carries out, while the context lasts."""
        task = _this_task()
        self._calls[task] = call
        try:
            yield
        finally:
            del self._calls[task]

    async def stop(self, grace: float) -> None:
        """End every call. Writes that are under way have `grace` seconds to finish, everything else ends at once."""
        self.are_stopping = True
        self._cut([task for task, call in self._calls.items() if call.may_be_cut])
        await self._wait(grace)
        self._cut(list(self._calls))
        await self._wait(grace)

    def was_cut(self) -> bool:
        """Whether the current call was cancelled by `stop`, and not by its client; if so, it is no longer cancelled."""
        return self.are_stopping and _this_task().uncancel() == 0

    def _cut(self, tasks: list[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()

    async def _wait(self, seconds: float) -> None:
        if self._calls:
            await asyncio.wait(list(self._calls), timeout=seconds)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a call is carried out by a task")
    return task
