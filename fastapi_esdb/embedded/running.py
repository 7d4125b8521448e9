"""The calls that run now: they are counted, and ended when the server stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
        """The number of running calls by `Service.Method`, without methods that have none."""
        return Counter(call.name for call in self._calls.values())

    @contextmanager
    def running(self, call: Call[Any, Any]) -> Iterator[None]:
        """Count a call of the current task while the context lasts."""
        task = _this_task()
        self._calls[task] = call
        try:
            yield
        finally:
            del self._calls[task]

    async def stop(self, grace: float) -> None:
        """End every call. Writes that are under way have `grace` seconds to finish, everything else ends at once."""
        self.are_stopping = True
        left = {task: call for task, call in self._calls.items() if not call.may_be_cut}
        _cut(self._calls.keys() - left.keys())
        for call in left.values():
            call.is_to_end = True
        await self._wait(grace)
        left = {task: call for task, call in left.items() if task in self._calls}
        for call in left.values():
            call.was_writing = not call.may_be_cut
        _cut(left)
        await self._wait(grace)

    def was_cut(self) -> bool:
        """Return whether `stop`, not its client, has cancelled the current call, which is then no longer cancelled."""
        return self.are_stopping and _this_task().uncancel() == 0

    async def _wait(self, seconds: float) -> None:
        if self._calls:
            await asyncio.wait(list(self._calls), timeout=seconds)


def _cut(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a call is carried out by a task")
    return task
