"""fastapi_esdb under load. Subscriptions and consumers come back by themselves, so there is no code for that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from benchmarks.faults.client import NOTHING
from benchmarks.faults.load import WAIT
from fastapi_esdb import (
    ANY,
    NO_STREAM,
    AppendOutcomeUnknown,
    Connection,
    EsdbSettings,
    NewEvent,
    StreamNotFound,
    connect,
    filters,
)
from fastapi_esdb.settings.choices import TransportKind

NAME = "fastapi_esdb"
SETTINGS = f"ESDB_WAIT={WAIT:.0f}"


class Ours:
    """A connection as an app has it."""

    def __init__(self, esdb: Connection, *, expects: bool = True) -> None:
        self.reopened = 0
        self._esdb = esdb
        self._expects = expects

    async def append(self, stream: str, event_id: UUID, revision: int) -> None:
        expected = NO_STREAM if revision == NOTHING else revision
        event = NewEvent("Written", {}, id=event_id)
        await self._esdb.append(stream, event, expected if self._expects else ANY, timeout=WAIT)

    async def revision(self, stream: str) -> int:
        try:
            async for event in self._esdb.read(stream, backwards=True, limit=1, requires_leader=True):
                return event.revision
        except StreamNotFound:
            pass
        return NOTHING

    async def follow(self, stream: str) -> AsyncGenerator[UUID, None]:
        async with self._esdb.subscribe(stream) as events:
            async for event in events:
                yield event.id

    async def follow_all(self, prefix: str) -> AsyncGenerator[UUID, None]:
        async with self._esdb.subscribe_all(filter=filters.by_stream(prefix)) as events:
            async for event in events:
                yield event.id

    async def consume(self, stream: str, group: str) -> AsyncGenerator[UUID, None]:
        async with self._esdb.persistent_subscriptions.consume(stream, group) as events:
            async for event in events:
                yield event.id
                await events.ack(event)

    def leaves_open(self, error: Exception) -> bool:
        return isinstance(error, AppendOutcomeUnknown | TimeoutError)


@asynccontextmanager
async def ours(
    target: str, *, expects: bool = True, transport: TransportKind = TransportKind.GRPCIO
) -> AsyncIterator[Ours]:
    """One that is open; its appends expect the revision that is known, or anything."""
    async with connect(EsdbSettings(connection_string=target, wait=WAIT, transport=transport)) as esdb:
        yield Ours(esdb, expects=expects)
