"""Calling a handler directly, without FastAPI: with the event alone."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi_esdb.consumers.checkpoints import CheckpointStore, Mark, require_nothing
from fastapi_esdb.wire.errors import InvalidArgument

Result = TypeVar("Result")
Handler = Callable[[Any], Awaitable[object] | object]


def runs_on_loop(function: Callable[..., Any]) -> bool:
    """Return whether a function is a coroutine function, or an object with a coroutine method to call it by."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


async def to_the_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Return what comes of something that is not to be left half done: it is waited for if this is cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


async def call(function: Callable[..., Any], *args: Any) -> Any:
    """Call a coroutine function here, and another one in a thread, which nothing can end before it is done."""
    return await (function(*args) if runs_on_loop(function) else to_the_end(asyncio.to_thread(function, *args)))


def checked(handler: Handler) -> Handler:
    """Return a handler that can be called with an event alone. Raises `InvalidArgument` for another one."""
    if not callable(handler):
        raise InvalidArgument(f"handler must be a function of the event, not {type(handler).__name__}")
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        name = getattr(handler, "__name__", type(handler).__name__)
        raise InvalidArgument(f"the handler {name!r} must take the event, and nothing else that it needs") from None
    except ValueError:
        pass  # one that does not tell what it takes, written in C
    return handler


class Direct:
    """Calls a handler, and saves what is marked after it."""

    def __init__(self, handler: Handler, store: CheckpointStore | None) -> None:
        self._handler = handler
        self._store = store
        self.is_in_thread = not runs_on_loop(handler)

    def __call__(self, item: Any, mark: Mark | None) -> Awaitable[object]:
        if mark is None and not self.is_in_thread:
            return self._handler(item)  # type: ignore[return-value]  # it is a coroutine function
        return self._called(item, mark)

    async def load(self, consumer: str) -> str | None:
        found: str | None = None if self._store is None else await call(self._store.load, consumer)
        return found

    async def save(self, mark: Mark) -> None:
        if self._store is not None:
            await call(self._store.save, *mark)

    async def _called(self, item: Any, mark: Mark | None) -> object:
        result = await call(self._handler, item)
        if mark is not None:
            require_nothing(result)
            await self.save(mark)
        return result
