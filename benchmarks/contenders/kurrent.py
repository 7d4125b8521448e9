"""kurrentdbclient's async client, used as its documentation shows."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from kurrentdbclient import AsyncKurrentDBClient, NewEvent, StreamState

from benchmarks.contenders.client import Client, size_of_first
from benchmarks.events import TYPE
from fastapi_esdb import ConnectionString


class KurrentClient(Client):
    """The established Python client."""

    def __init__(self, target: str) -> None:
        authority = ConnectionString.parse(target).options.tls_ca_file
        self._client = AsyncKurrentDBClient(target, root_certificates=authority.read_bytes() if authority else None)

    async def read(self, stream: str) -> int:
        async with await self._client.read_stream(stream) as events:
            return sum([len(event.data) async for event in events])

    async def subscribe(self, stream: str, events: int) -> int:
        async with await self._client.subscribe_to_stream(stream) as subscription:
            return await size_of_first(subscription, events)

    async def read_some(self, stream: str, limit: int) -> int:
        return sum(len(event.data) for event in await self._client.get_stream(stream, limit=limit))

    async def append(self, stream: str, data: bytes) -> None:
        event = NewEvent(type=TYPE, data=data)
        await self._client.append_to_stream(stream, events=event, current_version=StreamState.ANY)

    async def __aenter__(self) -> Self:
        await self._client.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
