"""What of a request is a `def`: it runs in a thread, where nothing awaits the calls of a `Connection`."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from weakref import WeakKeyDictionary

from fastapi.dependencies.models import Dependant
from starlette.requests import HTTPConnection

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.errors import WrongEventLoop

PARTS = frozenset({"persistent_subscriptions", "projections", "users", "operations", "cluster"})


def refuse_def_endpoint(request: HTTPConnection, dependency: Callable[..., Any]) -> None:
    """Raise `WrongEventLoop` where the endpoint is a `def` and depends on a `Connection` itself.

    Nothing would come of its calls, which are never awaited.
    """
    dependant = _dependant(request)
    if dependant is None or dependant.call is None or awaits(dependant.call):
        return
    if any(part.call == dependency for part in dependant.dependencies):
        name = getattr(dependant.call, "__name__", dependant.call)
        raise WrongEventLoop(
            f"the endpoint {name!r} is a `def`, where nothing awaits the calls "
            "of EsdbDep: take EsdbSyncDep (get_sync_connection) instead, or make it `async def`"
        )


def reaches_threads(request: HTTPConnection, dependency: Callable[..., Any]) -> bool:
    """Return whether a `def` of the request can come by what `dependency` gives."""
    dependant = _dependant(request)
    return dependant is not None and _is_in_thread(dependant, dependency)


def awaits(endpoint: Callable[..., Any]) -> bool:
    """Return whether it runs on the event loop; each request asks that of the same few endpoints."""
    try:
        known = _known.get(endpoint)
    except TypeError:  # an object without a hash, or one that nothing can refer to weakly
        return _is_awaited(endpoint)
    if known is None:
        known = _known[endpoint] = _is_awaited(endpoint)
    return known


_known: WeakKeyDictionary[Callable[..., Any], bool] = WeakKeyDictionary()
"""Of the endpoints that were asked about, whether they run on the event loop."""


def _is_awaited(endpoint: Callable[..., Any]) -> bool:
    plain = inspect.unwrap(endpoint)
    while isinstance(plain, partial):
        plain = inspect.unwrap(plain.func)
    called = plain if inspect.isroutine(plain) else type(plain).__call__
    return inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called)


class HandedOn(Connection):
    """A `Connection` that can be handed on in a thread, to what awaits its calls on the event loop, and not used there.

    A call of a coroutine method raises `WrongEventLoop` where no event loop runs.
    """

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return _Part(value) if name in PARTS else _checked(value)


class _Part:
    """The same for a part of the connection, such as its projections."""

    def __init__(self, part: object) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        return _checked(getattr(self._part, name))


def _checked(value: Any) -> Any:
    if not inspect.iscoroutinefunction(value):
        return value

    @wraps(value)
    def call(*args: Any, **kwargs: Any) -> Any:
        _require_loop(value)
        return value(*args, **kwargs)

    return _marked(call)


def _marked(call: Callable[..., Any]) -> Callable[..., Any]:
    """Have it pass for a coroutine function, as background tasks want to know whether to run it on the event loop."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(call)
    call._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # what it did before 3.12
    return call


def _require_loop(call: Callable[..., Any]) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise WrongEventLoop(
            f"{call.__name__}() of EsdbDep was called by a `def`, which runs in a thread, where nothing awaits it: "
            "take EsdbSyncDep (get_sync_connection) instead, or make it `async def`"
        ) from None


def _dependant(request: HTTPConnection) -> Dependant | None:
    found: Dependant | None = getattr(request.scope.get("route"), "dependant", None)
    return found


def _is_in_thread(dependant: Dependant, dependency: Callable[..., Any]) -> bool:
    if dependant.call is None or not _has(dependant, dependency):
        return False
    return not awaits(dependant.call) or any(_is_in_thread(part, dependency) for part in dependant.dependencies)


def _has(dependant: Dependant, dependency: Callable[..., Any]) -> bool:
    return any(part.call == dependency or _has(part, dependency) for part in dependant.dependencies)
