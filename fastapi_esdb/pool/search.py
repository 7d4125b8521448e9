"""How long to wait for discovery before there is said to be no connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi_esdb.connection.deadline import Deadline

if TYPE_CHECKING:
    from fastapi_esdb.connection.wakeup import Wakeup
    from fastapi_esdb.pool.discovery import Discovery


class Search:
    """The attempts of discovery from now on, as many as somebody is ready to wait for.

    After `seconds` one attempt is enough, since nodes that are mute make attempts long.
    """

    def __init__(self, discovery: Discovery, attempts: int, seconds: float) -> None:
        self._discovery = discovery
        self._before = discovery.failures
        self._attempts = attempts
        self._until = Deadline.after(seconds)

    @property
    def is_over(self) -> bool:
        """Whether enough attempts have failed."""
        failed = self._discovery.failures - self._before
        return failed >= self._attempts or (failed > 0 and not self._until.left())

    async def wait(self, changes: Wakeup, reached: Callable[[], bool], deadline: Deadline) -> None:
        """Return when it is over, when something else is reached, or at the deadline."""
        while deadline.left() and not (reached() or self.is_over):
            until = min(deadline, self._until) if self._until.left() else deadline
            await changes.wait_until(lambda: reached() or self.is_over, until.left())
