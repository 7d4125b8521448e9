"""Cancelling a coroutine at a point of one's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from tests.support.waiting import PATIENCE

MOST = 500
"""More suspensions than anything here has."""

Make = Callable[[], Coroutine[Any, Any, object]]


class _Interrupted:
    """Awaits a coroutine, and cancels the task that does so at the coroutine's n-th suspension."""

    def __init__(self, coroutine: Coroutine[Any, Any, object], at: int) -> None:
        self._inner = coroutine.__await__()
        self._at = at
        self.suspensions = 0

    def __await__(self) -> Generator[Any, Any, None]:
        thrown: list[BaseException] = []  # a variable would make a cycle of the error and this frame
        while True:
            try:
                waited_for = self._inner.throw(thrown.pop()) if thrown else next(self._inner)
            except StopIteration:
                return
            self._count()
            try:
                yield waited_for
            except BaseException as error:
                thrown.append(error)

    def _count(self) -> None:
        self.suspensions += 1
        task = asyncio.current_task()
        if task is not None and self.suspensions == self._at:
            task.cancel()


async def interrupted(make: Make, at: int) -> bool:
    """Run a coroutine in a task of its own, cancelled at its n-th suspension; whether it got that far.

    A cancelled task must end as such, soon.
    """
    interruption = _Interrupted(make(), at)
    task = asyncio.create_task(_await(interruption))
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    assert done, f"cancelled at suspension {at}, it goes on"
    reached = interruption.suspensions >= at
    assert task.cancelled() == reached, f"cancelled at suspension {at}, it ended otherwise: {task}"
    return reached


async def _await(interruption: _Interrupted) -> None:
    await interruption
