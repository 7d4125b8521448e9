"""How a subscription comes from the past to the present."""

from __future__ import annotations

import asyncio
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.wire.streams.values import CaughtUp

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import Stream
    from fastapi_esdb.wire.streams.values import ReadFrame, ReadRequest

MUCH = 100
"""Frames without a pause after which more of them are expected."""
QUIET = 1.0
"""Seconds without a frame that may stand for being live: servers before 23.10 do not say so."""


class Approach:
    """Whether the present call is to be followed by another one, of another kind.

    A subscription begins with the call that it will stay live on. If that has much history to give, a bulk call, which
    costs a fraction for each event, gets the rest; then another call of the first kind goes on. If the server says that
    this is live, that was all until `begin`: what is written meanwhile is little. If it was only quiet, it may as well
    have been held up, and the next call is looked at like the first.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """It is not known how much there is to read."""
        self.in_bulk = False
        """Whether the next call is to be a bulk call."""
        self._behind: int | None = 0
        """Frames of history that came without a pause; `None` when there is little left."""
        self._turns = False

    def turned(self) -> bool:
        """Whether the call was left for another one, which begins with this."""
        turned, self._turns = self._turns, False
        return turned

    async def read(self, call: Stream[ReadRequest, ReadFrame]) -> list[ReadFrame]:
        """The next frames of a call; none if it has ended, or is left."""
        if self._turns:
            return []
        if call.is_bulk:
            return await self._past(call)
        began = monotonic()
        frames = list(await call.batch())
        self._count(frames, monotonic() - began)
        return frames

    async def _past(self, call: Stream[ReadRequest, ReadFrame]) -> list[ReadFrame]:
        """What comes before the subscription is live; the rest, and that it is, comes from the next call again."""
        try:
            async with asyncio.timeout(QUIET):
                frames = await call.batch()
        except TimeoutError:
            self._turn(in_bulk=False, behind=0)
            return []
        past = list(takewhile(lambda frame: not isinstance(frame, CaughtUp), frames))
        if len(past) < len(frames):
            self._turn(in_bulk=False)
        return past

    def _count(self, frames: list[ReadFrame], waited: float) -> None:
        if self._behind is None:
            return
        self._behind = len(frames) + (self._behind if waited < QUIET else 0)
        if any(isinstance(frame, CaughtUp) for frame in frames):
            self._behind = None
        elif self._behind >= MUCH:
            self._turn(in_bulk=True)

    def _turn(self, *, in_bulk: bool, behind: int | None = None) -> None:
        self.in_bulk, self._behind, self._turns = in_bulk, behind, True
