"""This project, with the settings that a user has who sets nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from benchmarks.contenders.client import Client, size_of_first
from benchmarks.events import new_event
from fastapi_esdb import Connection, EsdbSettings, connect

PATIENCE = 600.0
"""Seconds that a long read may take, and the connection may take to come up."""


class Ours(Client):
    """`settings` are those that differ from the defaults."""

    def __init__(self, target: str, **settings: Any) -> None:
        self._settings = EsdbSettings(connection_string=target, **settings)
        self._stack = AsyncExitStack()
        self._esdb: Connection

    async def read(self, stream: str) -> int:
        return sum([len(event.data) async for event in self._esdb.read(stream, timeout=PATIENCE)])

    async def subscribe(self, stream: str, events: int) -> int:
        async with self._esdb.subscribe(stream) as subscription:
            return await size_of_first(subscription, events)

    async def read_some(self, stream: str, limit: int) -> int:
        return sum([len(event.data) async for event in self._esdb.read(stream, limit=limit)])

    async def append(self, stream: str, data: bytes) -> None:
        await self._esdb.append(stream, new_event(data))

    async def __aenter__(self) -> Self:
        self._esdb = await self._stack.enter_async_context(connect(self._settings))
        await self._esdb.wait_connected(PATIENCE)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
