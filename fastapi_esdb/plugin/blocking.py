"""Calls for threads: each is made on the event loop, while the thread waits for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from fastapi_esdb.api.decoding import Item
from fastapi_esdb.api.iteration import Iteration
from fastapi_esdb.api.reading import Read
from fastapi_esdb.errors import ConnectionClosed, WrongEventLoop

Target = TypeVar("Target")
Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")


class Blocking(Generic[Target]):
    """Blocks the calling thread, never the loop that the calls of `target` run on.

    Calling it on the event loop's own thread raises `WrongEventLoop`, since it would wait for itself.
    """

    def __init__(self, target: Target, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop

    def _run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Every call ends by its own deadline, so the wait for it is bounded. A closed loop has no connection."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if not self._loop.is_closed():
                return asyncio.run_coroutine_threadsafe(call, self._loop).result()
            call.close()
            raise ConnectionClosed from None
        call.close()
        raise WrongEventLoop(
            "EsdbSyncDep would block the event loop that it waits for: it is for `def` endpoints and threads. "
            "In `async def` use EsdbDep, and await its calls"
        )


def blocking(
    call: Callable[Concatenate[Any, Parameters], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[Blocking[Any], Parameters], Result]:
    """The blocking form of a coroutine method of the target."""

    @wraps(call)
    def made(self: Blocking[Any], /, *args: Parameters.args, **options: Parameters.kwargs) -> Result:
        return self._run(call(self._target, *args, **options))

    return made


def listing(
    call: Callable[Concatenate[Any, Parameters], Read[Item]],
) -> Callable[Concatenate[Blocking[Any], Parameters], list[Item]]:
    """The blocking form of a read, which gives all events at once."""

    @wraps(call)
    def made(self: Blocking[Any], /, *args: Parameters.args, **options: Parameters.kwargs) -> list[Item]:
        return self._run(call(self._target, *args, **options).to_list())

    return made


def iterating(
    call: Callable[Concatenate[Any, Parameters], Iteration[Result]],
) -> Callable[Concatenate[Blocking[Any], Parameters], Iterator[Result]]:
    """The blocking form of an iteration; each item is waited for."""

    @wraps(call)
    def made(self: Blocking[Any], /, *args: Parameters.args, **options: Parameters.kwargs) -> Iterator[Result]:
        return _each(self, call(self._target, *args, **options))

    return made


def _each(caller: Blocking[Any], items: Iteration[Result]) -> Iterator[Result]:
    run = caller._run
    try:
        while (item := run(_next(items))) is not None:
            yield item
    finally:
        run(items.aclose())


async def _next(items: Iteration[Any]) -> Any:
    return await anext(items, None)
