"""Maintenance of nodes: scavenges, indexes, elections, shutdown."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import ConnectionPart, Options, write
from fastapi_esdb.api.iteration import Drawing, Iteration
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.admin.operations import (
    CURRENT_SCAVENGE,
    MERGE_INDEXES,
    RESIGN_NODE,
    RESTART_PERSISTENT_SUBSCRIPTIONS,
    SET_NODE_PRIORITY,
    SHUTDOWN,
    START_SCAVENGE,
    STOP_SCAVENGE,
    NodePriority,
    Scavenge,
    StartScavenge,
    StopScavenge,
)
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.streams.values import ReadRequest

SCAVENGE_COMPLETED = "$scavengeCompleted"
"""The type of the last event that a scavenge writes about itself."""


class Operations(ConnectionPart):
    """Operations on the node that the call reaches; all need the rights of an operator.

    Every call takes the `Options` that all calls take, and raises what they raise; `OutcomeUnknown` where the answer
    is lost.
    """

    async def start_scavenge(
        self, *, threads: int = 1, start_from_chunk: int = 0, **options: Unpack[Options]
    ) -> Scavenge:
        """Free the disk space of deleted and expired events. Returns its id, or that of the one that runs already.

        A server that keeps its data in memory may stay silent, so that the deadline passes.
        """
        arguments.whole_number(threads, "threads", least=1, most=arguments.INT32)
        arguments.whole_number(start_from_chunk, "start_from_chunk", least=0, most=arguments.INT32)
        request = StartScavenge(threads, start_from_chunk)
        return await write(self._carrier, START_SCAVENGE, request, "a scavenge", CallOptions.of(**options))

    async def stop_scavenge(self, scavenge_id: str = CURRENT_SCAVENGE, **options: Unpack[Options]) -> Scavenge:
        """Stop the scavenge that runs. Raises `ScavengeNotFound`."""
        request = StopScavenge(arguments.text(scavenge_id, "scavenge_id"))
        return await write(self._carrier, STOP_SCAVENGE, request, "a scavenge", CallOptions.of(**options))

    def scavenge_progress(self, scavenge_id: str, **options: Unpack[Options]) -> Iteration[RecordedEvent]:
        """Iterate over the events that a scavenge writes about itself, from its start to its end, as they come."""
        stream = f"$scavenges-{arguments.text(scavenge_id, 'scavenge_id')}"
        return Iteration(Drawing(self._until_completed(stream, CallOptions.of(**options))))

    async def _until_completed(self, stream: str, options: CallOptions) -> AsyncGenerator[list[RecordedEvent], None]:
        request = ReadRequest(stream, subscribe=True)
        subscription: Subscription[int] = Subscription(self._carrier, request, options)
        async with subscription as events:
            async for event in events:
                yield [event]
                if event.type == SCAVENGE_COMPLETED:
                    return

    async def merge_indexes(self, **options: Unpack[Options]) -> None:
        """Begin to merge the index files; returns at once."""
        await self._command(MERGE_INDEXES, options)

    async def set_node_priority(self, priority: int, **options: Unpack[Options]) -> None:
        """Give the node a number for the next elections: the larger one is preferred."""
        arguments.whole_number(priority, "priority", least=-arguments.INT32 - 1, most=arguments.INT32)
        await write(
            self._carrier, SET_NODE_PRIORITY, NodePriority(priority), "the node priority", CallOptions.of(**options)
        )

    async def resign_node(self, **options: Unpack[Options]) -> None:
        """Have the leader step down; returns before there is a new one. Other nodes do nothing."""
        await self._command(RESIGN_NODE, options)

    async def shutdown(self, **options: Unpack[Options]) -> None:
        """Shut the node down; it answers first."""
        await self._command(SHUTDOWN, options)

    async def restart_persistent_subscriptions(self, **options: Unpack[Options]) -> None:
        """Restart the subsystem of persistent subscriptions; without it nothing happens."""
        await self._command(RESTART_PERSISTENT_SUBSCRIPTIONS, options)

    async def _command(self, method: Method[None, None], options: Options) -> None:
        await write(self._carrier, method, None, method.name, CallOptions.of(**options))
