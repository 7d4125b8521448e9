"""Waiting in tests for what comes about in its own time: a read model that follows, a mail that is sent."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent

Found = TypeVar("Found")

TIMEOUT = 5.0
"""Seconds until a test gives up."""

EVERY = 0.01
"""Seconds between two looks."""


@overload
async def eventually(
    condition: Callable[[], Awaitable[Found]], *, timeout: float = ..., every: float = ...
) -> Found: ...
@overload
async def eventually(condition: Callable[[], Found], *, timeout: float = ..., every: float = ...) -> Found: ...
async def eventually(condition: Callable[[], Any], *, timeout: float = TIMEOUT, every: float = EVERY) -> Any:
    """Wait until `condition`, a function or coroutine function, returns something true, and return that.

    An `AssertionError` that it raises counts as not yet. It is called every 10 ms (`every`, in seconds), for 5 s at
    most (`timeout`): then an `AssertionError` says what it returned or raised last.
    """
    looking = _Looking(condition, timeout)
    while True:
        try:
            found = condition()
            if inspect.isawaitable(found):
                found = await asyncio.wait_for(found, looking.left)
            if looking.is_found(found):
                return found
        except AssertionError as error:
            looking.was_wrong(error)
        except TimeoutError:
            if looking.left:
                raise
            looking.ran_out("it had not returned by then")
        await asyncio.sleep(every)


def eventually_sync(condition: Callable[[], Found], *, timeout: float = TIMEOUT, every: float = EVERY) -> Found:
    """Wait as `eventually` does, in a test that is a `def`."""
    if inspect.iscoroutinefunction(condition):
        raise InvalidArgument("condition is a coroutine function, which is for `await eventually(...)`")
    looking = _Looking(condition, timeout)
    while True:
        try:
            if looking.is_found(found := condition()):
                return found
        except AssertionError as error:
            looking.was_wrong(error)
        time.sleep(every)


async def event_in(
    esdb: Connection,
    stream: str,
    matching: str | Callable[[RecordedEvent], object] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> RecordedEvent:
    """Wait for an event of a stream by a subscription, and return the first one that is there or comes.

    `matching` is its type, or a function that returns something true for it; without it any event will do. After 5 s
    (`timeout`) an `AssertionError` says of which types the stream's events are.
    """
    seen: list[str] = []
    try:
        async with asyncio.timeout(timeout), esdb.subscribe(stream) as events:
            async for event in events:
                if matching is None or (event.type == matching if isinstance(matching, str) else matching(event)):
                    return event
                seen.append(event.type)
    except TimeoutError:
        pass
    wanted = f"{matching} event" if isinstance(matching, str) else "such event"
    raise AssertionError(f"no {wanted} in {stream!r} within {timeout:g} s, which has: {', '.join(seen) or 'none'}")


class _Looking:
    """What was found last, and the time that is left."""

    def __init__(self, condition: Callable[[], Any], timeout: float) -> None:
        self._condition = condition
        self._timeout = timeout
        self._ends = time.monotonic() + timeout

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self._ends - time.monotonic())

    def is_found(self, found: object) -> bool:
        """Return whether something was found; raises `AssertionError` when the time is over."""
        if not found and not self.left:
            self.ran_out(f"it returned {found!r} last")
        return bool(found)

    def was_wrong(self, error: AssertionError) -> None:
        """Take note of an assertion that does not hold, for which there may be time left."""
        if not self.left:
            raise error

    def ran_out(self, why: str) -> None:
        """Raise what the test fails with."""
        raise AssertionError(f"this has not come true within {self._timeout:g} s, {why}: {_source(self._condition)}")


def _source(condition: Callable[[], Any]) -> str:
    try:
        first, *more = inspect.getsource(condition).strip().splitlines()
    except (OSError, TypeError):
        return getattr(condition, "__qualname__", repr(condition))
    return f"{first} …" if more else first
