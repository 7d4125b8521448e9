"""What subscriptions and consumers have in common: they go on with another call when one has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import TypeVar

from fastapi_esdb.wire.errors import DeadlineExceeded, EsdbError, NotAuthenticated
from fastapi_esdb.wire.streams.values import UnknownFrame

logger = logging.getLogger("fastapi_esdb")

STARTING = 10.0
"""Seconds in which a node that is starting gets to know its users. Until then it refuses everybody.

EventStoreDB 24.6 took one, and five where the whole cluster was starting.
"""


class AuthGrace:
    """What tells a node that is starting from a password that has changed, for whoever makes one call after the other.

    `who` is named in the warning.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._since: float | None = None

    def allows(self, error: EsdbError) -> bool:
        """Whether the call has ended with a refusal that need not last. The first one is logged as a warning."""
        if not isinstance(error, NotAuthenticated):
            self.end()
            return False
        if self._since is None:
            self._since = monotonic()
            logger.warning("%s: %s; trying again for %s s, since the node may be starting", self._who, error, STARTING)
        return monotonic() - self._since < STARTING

    def end(self) -> None:
        """The credentials were accepted."""
        self._since = None


Answer = TypeVar("Answer")


async def first_told(read: Callable[[], Awaitable[Sequence[Answer]]], seconds: float) -> list[Answer]:
    """The first frames of a call that tell anything; none if it ends without.

    Raises `DeadlineExceeded` when they have not come after so many `seconds`, whatever else has.
    """
    try:
        async with asyncio.timeout(seconds):
            while frames := await read():
                if told := [frame for frame in frames if not isinstance(frame, UnknownFrame)]:
                    return told
    except TimeoutError:
        raise DeadlineExceeded from None
    return []
