"""What subscriptions and consumers have in common: they go on with another call when one has ended."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar, cast

from fastapi_esdb.api.calls import reconnected
from fastapi_esdb.api.decoding import EventDecoder, Item
from fastapi_esdb.api.iteration import CallIteration, Drawing, View
from fastapi_esdb.api.stop import first
from fastapi_esdb.errors import ClosedInFlight, UnreadableEvent
from fastapi_esdb.log import log
from fastapi_esdb.pool.retry import PAUSES
from fastapi_esdb.wire.errors import DeadlineExceeded, EsdbError, NotAuthenticated, Outcome
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.streams.values import UnknownFrame

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier

Frame = TypeVar("Frame")

STARTING = 10.0
"""Seconds in which a node that is starting gets to know its users. Until then it refuses everybody.

EventStoreDB 24.6 took one, and five where the whole cluster was starting.
"""


class AuthGrace:
    """Lets credentials be refused for a while that were accepted before, since the node may be starting.

    After that the password has changed. `who` is named in the warning.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._since: float | None = None

    def allows(self, error: EsdbError) -> bool:
        """Return whether the call has ended with a refusal that need not last. The first one is logged as a warning."""
        if not isinstance(error, NotAuthenticated):
            self.end()
            return False
        if self._since is None:
            self._since = monotonic()
            text = f"{self._who}: {error}; trying again for {STARTING} s, since the node may be starting"
            log.warning("subscription_refused", text, subscription=self._who, reason=shown(error))
        return monotonic() - self._since < STARTING

    def end(self) -> None:
        """Note that the credentials were accepted."""
        self._since = None


class Resuming(ABC, Generic[Frame]):
    """Makes one call after the other, for as long as that makes sense; `name` is what it is called in the log."""

    passing: ClassVar[tuple[type[EsdbError], ...]] = ()
    """Answers of a server that do not last."""

    def __init__(self, carrier: Carrier, name: str) -> None:
        self.confirmed = False
        """Whether the server has confirmed it once. Errors are raised before; afterwards most lead to another call."""
        self._carrier = carrier
        self._name = name
        self._auth_grace = AuthGrace(name)
        self._pauses = PAUSES.delays()

    @abstractmethod
    def frames(self) -> AsyncGenerator[list[Frame], None]:
        """Give everything that servers have to tell, in order, over as many calls as it takes.

        Each call tells first that it is confirmed. Raises what ends the first call before that, and later what trying
        again can't help.
        """

    @abstractmethod
    def noted(self, frame: Frame) -> object | None:
        """Take note of a frame as the reader gets it, and return what the reader gets, if anything."""

    @abstractmethod
    def event_in(self, frame: Frame) -> RecordedEvent | None:
        """Return the event that a frame brings, if it brings one."""

    @abstractmethod
    def _closed(self) -> EsdbError:
        """Return the error that says that the connection was closed on purpose."""

    def _reached(self) -> str:
        """Return a text that says where its reader is; empty where nothing tells."""
        return ""

    async def _first(self, read: Callable[[], Awaitable[Sequence[Frame]]], confirmation: Frame) -> list[Frame]:
        """Return the first frames of a call, with the confirmation first, even if the server has not sent it so."""
        frames = await first_told(read, self._carrier.deadline)
        if frames and not isinstance(frames[0], type(confirmation)):
            return [confirmation, *frames]
        return frames

    def _confirm(self) -> None:
        self.confirmed = True
        self._auth_grace.end()

    def _go_on_after(self, error: EsdbError) -> None:
        """Return if another call makes sense, else raise what ends it all."""
        if not self.confirmed:
            raise error
        if self._carrier.is_closed or isinstance(error, ClosedInFlight):
            raise self._closed() from error
        reached = self._reached()
        passes = self._auth_grace.allows(error) or isinstance(error, self.passing)
        if error.outcome is Outcome.ANSWERED and not passes:
            if reached:
                error.add_note(f"{self._name} had come to {reached}")
            raise error
        log.info(
            "subscription_resumes",
            f"{self._name} goes on{reached and f' after {reached}'}: {shown(error)}",
            subscription=self._name,
            after=reached,
            reason=shown(error),
        )

    async def _wait(self, *, progressed: bool) -> None:
        """Return when there is a connection, or there will be none since it was closed."""
        if progressed:
            self._pauses = PAUSES.delays()
        await asyncio.sleep(next(self._pauses))
        await reconnected(self._carrier)


class ResumingIteration(CallIteration[Frame, Item]):
    """The events of something that resumes. Entering the context opens it, so that its errors show there."""

    def __init__(self, resuming: Resuming[Frame], types: EventDecoder[Item] | None = None) -> None:
        super().__init__(Drawing(resuming.frames()))
        self._resuming = resuming
        self._types = types
        self._parts: list[Item] = []
        """What is left of an event that became several items, the next one last; its frame is noted with the last."""

    def _take(self, frames: deque[Frame], /) -> Item | None:
        if self._types is not None:
            return self._decoded(frames, self._types)
        noted = self._noted(frames)
        return cast("Item", noted) if isinstance(noted, RecordedEvent) else None

    def _decoded(self, frames: deque[Frame], types: EventDecoder[Item]) -> Item | None:
        """Take the next frame. One that can't be read is taken, and not noted: it was not given."""
        if not self._parts and (event := self._resuming.event_in(frames[0])) is not None:
            try:
                self._parts = list(types.decode_all(event))[::-1]
            except UnreadableEvent:
                frames.popleft()
                raise
        item = self._parts.pop() if self._parts else None
        if not self._parts:
            self._noted(frames)
        return item

    def _noted(self, frames: deque[Frame]) -> object | None:
        return self._resuming.noted(frames.popleft())

    async def __aenter__(self) -> Self:
        try:
            if not self._resuming.confirmed:
                await first(anext(View(self, self._noted)))
        except BaseException:
            await self.aclose()
            raise
        return self


async def first_told(read: Callable[[], Awaitable[Sequence[Frame]]], seconds: float) -> list[Frame]:
    """Return the first frames of a call that tell anything; none if it ends without.

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
