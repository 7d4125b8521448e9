"""Ending the iterations that wait for events, when the server that runs the app begins to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from weakref import WeakSet

from fastapi_esdb.errors import AppStopping
from fastapi_esdb.log import log

Item = TypeVar("Item")


class Endless(Protocol):
    """An iteration without an end of its own."""

    def stop(self) -> None:
        """Give no further item. Whoever waits for one sees the end of the iteration."""
        ...


Endlessly = TypeVar("Endlessly", bound=Endless)


async def first(item: Awaitable[Item]) -> Item:
    """Return the first item. Raises `AppStopping` where there will be none any more."""
    try:
        return await item
    except StopAsyncIteration:
        raise AppStopping from None


class Stop:
    """Once it is set, ends all iterations that were registered, and each that is registered afterwards.

    Calls that have an end of their own are left alone.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._endless: WeakSet[Endless] = WeakSet()
        self._hooks: list[Callable[[], object]] = []

    @property
    def is_set(self) -> bool:
        """True once it was set."""
        return self._is_set

    def ends(self, endless: Endlessly) -> Endlessly:
        """Register an iteration, and return it."""
        self._endless.add(endless)
        if self._is_set:
            endless.stop()
        return endless

    def then(self, hook: Callable[[], object]) -> None:
        """Call the hook once it is set; now, if it is."""
        if self._is_set:
            hook()
        else:
            self._hooks.append(hook)

    def set(self) -> None:
        """End everything, and call the hooks. More than once does no harm."""
        self._is_set = True
        for endless in tuple(self._endless):
            endless.stop()
        hooks, self._hooks = self._hooks, []
        for hook in hooks:
            try:
                hook()
            except Exception:
                log.exception("hook_failed", f"a hook for the end of the server failed: {hook!r}", hook=repr(hook))
