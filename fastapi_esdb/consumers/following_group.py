"""Taking part in a consumer group of the server's."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fastapi_esdb.consumers.checkpoints import Dispatch
from fastapi_esdb.consumers.following import Following
from fastapi_esdb.consumers.handling import Handling
from fastapi_esdb.consumers.keeping import Keeping
from fastapi_esdb.consumers.outcomes import Halted
from fastapi_esdb.consumers.progress import InFlight, Prefix, Progress
from fastapi_esdb.consumers.sources import CatchUpSource
from fastapi_esdb.consumers.status import ConsumerState
from fastapi_esdb.wire.errors import InvalidArgument

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.consuming import Consumer
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.sources import GroupSource, Place
    from fastapi_esdb.consumers.status import Observed
    from fastapi_esdb.wire.events.values import RecordedEvent


class FollowingGroup(Following):
    """Takes part in a group of the server's."""

    def __init__(
        self,
        definition: Definition,
        source: GroupSource,
        connection: Connection,
        dispatch: Dispatch,
        observed: Observed,
    ) -> None:
        super().__init__(definition, connection, dispatch, observed)
        self._source = source
        self.progress = Progress(CatchUpSource(source.stream))
        self.keeping = Keeping(definition, self.progress, connection)

    async def take(self) -> None:
        """Nothing: whoever consumes a group is part of it."""

    async def leave(self) -> None:
        """The call has ended, and with it the part in the group."""

    async def reset(self, place: Place) -> None:  # noqa: ARG002
        """The progress is the server's."""
        raise InvalidArgument(f"a group's progress is the server's: consumer {self._definition.name!r} can't be reset")

    async def follow(self) -> None:
        groups, size = self._connection.persistent_subscriptions, self._definition.concurrency
        handling = self._handling(self.keeping, self._definition)
        self._observed.begin()
        async with groups.consume(self._source.stream, self._source.group, buffer=size) as consumer:
            self._opened(consumer)
            self._observed.state = ConsumerState.RUNNING
            try:
                async with asyncio.TaskGroup() as tasks:
                    await self._hand_out(consumer, handling, tasks)
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None
            finally:
                self._open = None

    async def _hand_out(self, consumer: Consumer[RecordedEvent], handling: Handling, tasks: asyncio.TaskGroup) -> None:
        free = asyncio.Semaphore(self._definition.concurrency)
        observed, at_hand = self._observed, Prefix()

        async def handle(entry: InFlight) -> None:
            with suppress(Halted):  # it is not acknowledged then, and goes to another one
                await handling.handle(entry.event)
                await consumer.ack(entry.event)
                observed.handled += 1
            at_hand.done(entry)
            observed.take(at_hand.oldest)
            observed.progressed.wake()
            free.release()

        async for event in consumer:
            await free.acquire()
            if self._halted.is_set():
                return
            observed.arrived += 1
            entry = at_hand.add(event)
            observed.take(at_hand.oldest)
            tasks.create_task(handle(entry))
