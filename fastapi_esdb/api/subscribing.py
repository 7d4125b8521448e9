"""What keeps a subscription going: one call after the other, each from where the last one ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.api.cursor import BeyondEnd, Cursor
from fastapi_esdb.api.resuming import Resuming
from fastapi_esdb.errors import SubscriptionClosed
from fastapi_esdb.wire.errors import EsdbError, NoAnswer
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, START
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import (
    CaughtUp,
    Checkpoint,
    FellBehind,
    LastRevision,
    ReadFrame,
    ReadRequest,
    SubscriptionConfirmed,
)

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import CallOptions, Stream


EDGE = 16
"""Frames that are looked at to find the end of a stream; there are three."""

Between = Checkpoint | CaughtUp | FellBehind
"""What a subscription tells between events: how far it has searched, that it is live, that it is not any more."""


class Following(Resuming[ReadFrame]):
    """The state of a subscription: each call goes on from where the last one ended."""

    def __init__(self, carrier: Carrier, request: ReadRequest, options: CallOptions) -> None:
        self._stream = request.stream or "$all"
        super().__init__(carrier, f"the subscription to {self._stream!r}")
        self._request = request
        self._options = options
        self._catch_up = CatchUp()
        self.cursor = self._cursor_after(request)
        self.beyond_end = BeyondEnd(carrier, request, options)
        self.is_live = False
        self.id = ""

    async def frames(self) -> AsyncGenerator[list[ReadFrame], None]:
        if self.cursor.after is END:
            await self._find_end()
        while True:
            before = self.cursor.after
            try:
                async with self._open() as call:
                    frames = await self._first(partial(self._catch_up.read, call), SubscriptionConfirmed(self.id))
                    while frames:
                        if isinstance(frames[-1], RecordedEvent):
                            self._carrier.seen.note(frames[-1].position)
                        await self.beyond_end.check(frames, self.cursor)
                        yield frames
                        frames = await self._catch_up.read(call)
                if self._catch_up.turned():
                    continue
                raise NoAnswer  # a server that ends a subscription says why
            except EsdbError as error:
                was_live, self.is_live = self.is_live, False
                self._go_on_after(error)
            if was_live:
                yield [self.cursor.fell_behind()]
            self._catch_up.begin()
            self.beyond_end.begin()
            await self._wait(progressed=self.cursor.after != before)

    async def _find_end(self) -> None:
        """Go to the last event before now: old servers do not tell where a subscription from the end has begun."""
        request = ReadRequest(self._request.stream, END, BACKWARDS, limit=1, compatibility=1)
        cursor = self._cursor_after(replace(request, start=START))
        async with self._carrier.stream(READ, [request], self._options) as frames:
            for frame in await frames.read(whole=EDGE):
                if isinstance(frame, RecordedEvent):
                    cursor.delivered(frame)
                elif isinstance(frame, LastRevision):
                    cursor.after = frame.revision
        self.cursor = cursor

    @staticmethod
    def _cursor_after(request: ReadRequest) -> Cursor:
        return Cursor(request.start, in_all=request.stream is None)

    def _open(self) -> Stream[ReadRequest, ReadFrame]:
        request = replace(self._request, start=self.cursor.after)
        return self._carrier.stream(READ, [request], self._options, long_lived=True, bulk=self._catch_up.in_bulk)

    def event_in(self, frame: ReadFrame) -> RecordedEvent | None:
        return frame if isinstance(frame, RecordedEvent) else None

    def noted(self, frame: ReadFrame) -> RecordedEvent | Between | SubscriptionConfirmed | None:
        """Take note of a frame as the reader gets it, and return it unless it is none of a subscription's."""
        match frame:
            case RecordedEvent():
                self.cursor.delivered(frame)
                self.beyond_end.holds = False
            case Checkpoint():
                self.cursor.searched(frame.position)
            case CaughtUp():
                self.is_live = True
                self.cursor.searched(frame.position)
            case FellBehind():
                self.is_live = False
            case SubscriptionConfirmed():
                self.id = frame.subscription_id
                self._confirm()
            case _:
                return None
        return frame

    def _closed(self) -> SubscriptionClosed:
        return SubscriptionClosed(self._stream, self.cursor.after)

    def _reached(self) -> str:
        return repr(self.cursor.after)


MUCH = 100
"""Frames without a pause after which more of them are expected."""
QUIET = 1.0
"""Seconds without a frame that may stand for being live: servers before 23.10 do not say so."""


class CatchUp:
    """Decides when a subscription leaves its call for one of another kind, while it catches up.

    A subscription begins with the call that it will stay live on. If that has much history to give, a bulk call, which
    costs a fraction for each event, gets the rest; then another call of the first kind goes on. If the server says that
    this is live, that was all until `begin`: what is written meanwhile is little. If it was only quiet, it may as well
    have been held up, and the next call is looked at like the first.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin without knowing how much there is to read."""
        self.in_bulk = False
        """Whether the next call is to be a bulk call."""
        self._behind: int | None = 0
        """Frames of history that came without a pause; `None` when there is little left."""
        self._turns = False

    def turned(self) -> bool:
        """Return whether the call was left for another one, and begin that one."""
        turned, self._turns = self._turns, False
        return turned

    async def read(self, call: Stream[ReadRequest, ReadFrame]) -> list[ReadFrame]:
        """Return the next frames of a call; none if it has ended, or is left."""
        if self._turns:
            return []
        if call.is_bulk:
            return await self._past(call)
        began = monotonic()
        frames = list(await call.read())
        self._count(frames, monotonic() - began)
        return frames

    async def _past(self, call: Stream[ReadRequest, ReadFrame]) -> list[ReadFrame]:
        """Return the frames from before the subscription is live; the rest comes from the next call again."""
        try:
            async with asyncio.timeout(QUIET):
                frames = await call.read()
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
