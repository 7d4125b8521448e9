"""The calls that run now: counted for whoever looks, and ended when the server stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class RunningCalls:
    """Knows the task of every call that runs."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[object], str] = {}
        self._stopping = False

    @property
    def counts(self) -> Mapping[str, int]:
        """How many calls run, by the name of their method; methods without calls are left out."""
        return Counter(self._tasks.values())

    @contextmanager
    def count(self, name: str) -> Iterator[None]:
        """Count the current task as a call of that method while the context lasts."""
        task = _this_task()
        self._tasks[task] = name
        try:
            yield
        finally:
            del self._tasks[task]

    async def stop(self, grace: float) -> None:
        """End every call: those that finish by themselves within `grace` seconds do, the others are cut off."""

    def ended_by_stop(self) -> bool:
        """Whether the current call was cancelled by `stop` and not by its client; clears the cancellation."""
        return self._stopping and _this_task().uncancel() == 0


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task
