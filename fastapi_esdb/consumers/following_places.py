"""Following a stream or `$all`, from the checkpoint on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from fastapi_esdb.consumers.checkpoints import Dispatch, InStream
from fastapi_esdb.consumers.following import Following, first_of
from fastapi_esdb.consumers.keeping import Keeping, KeepingByApp, KeepingInStream
from fastapi_esdb.consumers.lanes import Lanes
from fastapi_esdb.consumers.lease import Claim
from fastapi_esdb.consumers.ledger import Ledger
from fastapi_esdb.consumers.outcomes import Halted, Stopped
from fastapi_esdb.consumers.progress import Progress
from fastapi_esdb.consumers.sources import CatchUpSource, is_after
from fastapi_esdb.consumers.status import ConsumerState
from fastapi_esdb.wire.positions import END, START, Position

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.sources import AnySubscription, Place
    from fastapi_esdb.consumers.status import Observed
    from fastapi_esdb.wire.events.values import RecordedEvent

FAR = 2**24
"""Bytes of the log that are searched in vain before the checkpoint moves on without an event."""

NOTED_EVERY = 10.0
"""Seconds between two looks at how far was searched."""


class FollowingPlaces(Following):
    """Follows a stream or `$all` from a checkpoint on, and keeps that."""

    def __init__(
        self,
        definition: Definition,
        source: CatchUpSource,
        connection: Connection,
        dispatch: Dispatch,
        observed: Observed,
    ) -> None:
        super().__init__(definition, connection, dispatch, observed)
        self.source = source
        self.progress = Progress(source)
        self.ledger = _ledger_of(definition, connection)
        self._claim = None if self.ledger is None else Claim(self.ledger)
        self.keeping = self._kept()
        self._run = self._handling(self.keeping, definition)
        self._subscription: AnySubscription | None = None

    def _kept(self) -> Keeping:
        if self._definition.store is not None:
            return KeepingByApp(self._definition, self.progress, self._connection, self._dispatch, self.source)
        if self.ledger is None:
            return Keeping(self._definition, self.progress, self._connection)
        return KeepingInStream(self._definition, self.progress, self.ledger, self._connection, self.source)

    @property
    def is_live(self) -> bool:
        return self._subscription is not None and self._subscription.is_live

    async def take(self) -> None:
        if self._claim is not None and await self._claim.take():
            self.progress.begin_after(None)

    async def check(self) -> None:
        """Return if an event may be handled now. Raises `Fenced` if another process has taken over."""
        if self._claim is not None:
            await self._claim.check()

    async def replay(self, numbers: Sequence[int]) -> None:
        await self.check()
        await super().replay(numbers)

    async def leave(self) -> None:
        await self.keeping.end()
        if self._claim is not None:
            await self._claim.release()

    @property
    def is_paused(self) -> bool:
        return self._is_paused if self.ledger is None else self.ledger.entry.paused

    async def pause(self, *, is_paused: bool) -> None:
        if self.ledger is None:
            await super().pause(is_paused=is_paused)
        else:
            await self.ledger.write(paused=is_paused)

    async def reset(self, place: Place) -> None:
        await self.keeping.reset(await self.source.end(self._connection) if place is END else place)

    async def follow(self) -> None:
        place = await self._place()
        self.progress.begin_after(place)
        self._observed.begin()
        subscription = self.source.follow(self._connection, place)
        async with AsyncExitStack() as stack:
            self._subscription = await stack.enter_async_context(subscription)
            stack.callback(self._forget_subscription)
            self._opened(subscription)
            self._observed.state = ConsumerState.RUNNING
            one_by_one = self._definition.concurrency == 1
            handled = self._one_by_one(subscription) if one_by_one else self._several_at_once(subscription)
            await first_of(handled, self.keeping.work(), self._note_searched())

    async def _note_searched(self) -> None:
        """Have the checkpoint move on now and then where a filter lets nothing through for long."""
        while True:
            await asyncio.sleep(NOTED_EVERY)
            place, searched = self.progress.place, self.searched
            if isinstance(searched, Position) and is_after(searched, _further(place)):
                self.progress.begin_after(searched)
                self.keeping.moved()

    @property
    def position(self) -> Position | None:
        searched = self.searched
        return searched if isinstance(searched, Position) else self.progress.position

    @property
    def searched(self) -> Place | None:
        """The place up to which everything is handled, with what was searched for a filter since the last event."""
        place, subscription, observed = self.progress.place, self._subscription, self._observed
        if subscription is None or observed.arrived != observed.handled or place is None:
            return place
        return subscription.checkpoint if is_after(subscription.checkpoint, place) else place

    def _forget_subscription(self) -> None:
        self._subscription = self._open = None

    async def _one_by_one(self, subscription: AnySubscription) -> None:
        observed, handle, completed, halted = self._observed, self._run.handle, self.keeping.completed, self._halted
        async for batch in subscription.batches():
            observed.arrived += len(batch)
            for event in batch:
                if halted.is_set():
                    return
                observed.take(event)
                await self.check()
                try:
                    is_saved = await handle(event)
                except Halted:
                    return
                observed.handled += 1
                if not is_saved:
                    completed(event)
                observed.progressed.wake()
            observed.take(None)
            observed.progressed.wake()

    async def _several_at_once(self, subscription: AnySubscription) -> None:
        lanes = Lanes(self._definition, self._run, self._completed, self._halted)
        try:
            await first_of(self._fill(lanes, subscription), lanes.failed())
        except Stopped:
            self._halted.set()
            await lanes.drained()
            raise
        finally:
            await lanes.cancel()

    async def _fill(self, lanes: Lanes, subscription: AnySubscription) -> None:
        async for batch in subscription.batches():
            self._observed.arrived += len(batch)
            for event in batch:
                if self._halted.is_set():
                    break
                await self.check()
                await lanes.put(event)
                self._observed.take(lanes.prefix.oldest)
        await lanes.drained()

    def _completed(self, event: RecordedEvent, is_saved: bool, oldest: RecordedEvent | None) -> None:
        self._observed.handled += 1
        self._observed.take(oldest)
        if not is_saved:
            self.keeping.completed(event)
        self._observed.progressed.wake()

    async def _place(self) -> Place:
        """Return where to go on from: the stored checkpoint, or what this process has completed since."""
        text, reached = await self.keeping.stored(), self.progress.place
        stored = None if text is None else self.source.parse(text)
        if reached is not None and (stored is None or is_after(reached, stored)):
            return reached
        if stored is not None:
            return stored
        if self._definition.start is not END:
            return self._definition.start
        end = await self.source.end(self._connection)
        await self.keeping.begin(end)  # or else what is written from now on could be left out after a restart
        return end


def _further(place: Place | None) -> Place:
    """Return the position that lies far behind a place."""
    if not isinstance(place, Position):
        return START
    return Position(place.commit + FAR, place.prepare + FAR)


def _ledger_of(definition: Definition, connection: Connection) -> Ledger | None:
    """Return the ledger of a consumer that needs one: to run in one process of all, or to keep its checkpoint."""
    needs_one = definition.run == "one" or isinstance(definition.checkpoint, InStream)
    return Ledger(connection, definition.stream) if needs_one else None
