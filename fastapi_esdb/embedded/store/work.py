"""Work that takes long: in slices, so that everybody else on the event loop has a turn; to its end; or on a thread."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

Result = TypeVar("Result")
Steps = Generator[None, None, Result]
"""Work that yields after each small piece, and returns its result."""

SLICE = 0.01
"""Seconds that a slice takes, and a piece more at most."""

_UNFINISHED = object()

UNBROKEN = 100
"""Steps that are done without a break, however slow the machine is: writes that share a flush are as short."""


class Breaks:
    """Tells when work has gone on for as long as a slice takes."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    @property
    def is_due(self) -> bool:
        return time.perf_counter() - self._began > SLICE

    async def take(self) -> None:
        """Let others have their turn, if it is time for that."""
        if self.is_due:
            await asyncio.sleep(0)
            self._began = time.perf_counter()


def at_once(steps: Steps[Result]) -> Result:
    """Do all of the work."""
    return cast("Result", _go_on(steps, lambda: False))


async def in_slices(steps: Steps[Result], check: Callable[[], None] = lambda: None) -> Result:
    """Do the work, all of it before the first break if it is short. Being cancelled only defers its end.

    What `check` raises after a break ends it.
    """
    breaks, done = Breaks(), itertools.count(1)
    result = _go_on(steps, lambda: next(done) >= UNBROKEN and breaks.is_due)
    if result is not _UNFINISHED:
        return cast("Result", result)
    return await completed(_rest(steps, breaks, check))


async def _rest(steps: Steps[Result], breaks: Breaks, check: Callable[[], None]) -> Result:
    result: object = _UNFINISHED
    while result is _UNFINISHED:
        await breaks.take()
        check()
        result = _go_on(steps, lambda: breaks.is_due)
    return cast("Result", result)


def _go_on(steps: Steps[Result], is_break_due: Callable[[], bool]) -> object:
    """The result of the work; `_UNFINISHED` where it is time for a break, after one step at least."""
    try:
        next(steps)
        while not is_break_due():
            next(steps)
    except StopIteration as done:
        return done.value
    return _UNFINISHED


async def side_by_side(*works: Coroutine[Any, Any, None], until: str = asyncio.FIRST_COMPLETED) -> None:
    """Carry out works until one has ended; with `asyncio.FIRST_EXCEPTION` until one has failed or all have ended.

    What runs then is cancelled and waited for. Raises what the first of them failed with.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=until)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):  # the others were cancelled, which is none
            raise outcome


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


async def completed(work: Coroutine[Any, Any, Result]) -> Result:
    """Carry the work out to its end, and be cancelled only then."""
    return await ended(asyncio.create_task(work))


async def ended(task: asyncio.Task[Result]) -> Result:
    """Return the result of a task, and be cancelled only when it has ended."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
