"""Consumer groups over a real connection: short ways to make them and to consume."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.methods import (
    CREATE_GROUP,
    DELETE_GROUP,
    GROUP_INFO,
    LIST_GROUPS,
    READ_GROUP,
    REPLAY_PARKED,
    UPDATE_GROUP,
)
from fastapi_esdb.wire.groups.values import (
    Ack,
    CreateGroup,
    GroupConfirmed,
    GroupEvent,
    GroupInfo,
    GroupName,
    GroupReadFrame,
    GroupReadOptions,
    GroupReadRequest,
    GroupSettings,
    ListGroups,
    Nack,
    NackAction,
    ReplayParked,
    UpdateGroup,
)
from fastapi_esdb.wire.positions import START, Edge, Position
from tests.support.bare_client import BareClient, OpenCall
from tests.support.waiting import PATIENCE

SETTINGS = GroupSettings()
EAGER: dict[str, Any] = {"min_checkpoint_count": 1, "max_checkpoint_count": 1}
"""Settings with which every answer is worth a checkpoint."""

Start = int | Position | Edge


class Consuming:
    """A consumer under way. Nothing waits for longer than `PATIENCE`."""

    def __init__(self, call: OpenCall[GroupReadRequest, GroupReadFrame]) -> None:
        self.call = call

    async def next(self) -> GroupEvent:
        frame = await anext(self.call)
        assert isinstance(frame, GroupEvent)
        return frame

    async def take(self, count: int) -> list[GroupEvent]:
        return [await self.next() for _ in range(count)]

    async def seen(self, count: int) -> list[tuple[int, int | None]]:
        """The revisions of so many events, with their retry counts."""
        return [(one.event.original.revision, one.retry_count) for one in await self.take(count)]

    async def ack(self, *events: GroupEvent) -> None:
        await self.call.send(Ack(tuple(one.event.original.id for one in events)))

    async def nack(self, *events: GroupEvent, action: NackAction = NackAction.RETRY, reason: str = "because") -> None:
        await self.call.send(Nack(tuple(one.event.original.id for one in events), action, reason))

    async def is_silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for some time. A call that was waited for like this gets nothing more."""
        try:
            async with asyncio.timeout(seconds):
                await anext(self.call)
        except TimeoutError:
            return True
        return False


class Groups:
    """The groups of a server, managed over a connection. The metadata is sent with every call."""

    def __init__(self, client: BareClient, metadata: Iterable[tuple[str, str]] = ()) -> None:
        self._client = client
        self._metadata = list(metadata)

    async def create(
        self,
        stream: str | None,
        group: str = "g",
        *,
        start: Start = START,
        chosen: EventFilter | None = None,
        **settings: Any,
    ) -> None:
        request = CreateGroup(stream, group, replace(SETTINGS, **settings), start, chosen)
        await self._client.call(CREATE_GROUP, request, metadata=self._metadata)

    async def update(self, stream: str | None, group: str = "g", *, start: Start = START, **settings: Any) -> None:
        await self._client.call(
            UPDATE_GROUP, UpdateGroup(stream, group, replace(SETTINGS, **settings), start), metadata=self._metadata
        )

    async def delete(self, stream: str | None, group: str = "g") -> None:
        await self._client.call(DELETE_GROUP, GroupName(stream, group), metadata=self._metadata)

    async def info(self, stream: str | None, group: str = "g") -> GroupInfo:
        [info] = await self._client.call(GROUP_INFO, GroupName(stream, group), metadata=self._metadata)
        return info

    async def list(self, source: str | None = None) -> tuple[GroupInfo, ...]:
        [infos] = await self._client.call(LIST_GROUPS, ListGroups(source), metadata=self._metadata)
        return infos

    async def replay(self, stream: str | None, group: str = "g", *, stop_at: int | None = None) -> None:
        await self._client.call(REPLAY_PARKED, ReplayParked(stream, group, stop_at), metadata=self._metadata)

    async def until(self, stream: str | None, group: str = "g", *, holds: Callable[[GroupInfo], bool]) -> GroupInfo:
        """Wait until the group's information is as it should be."""
        async with asyncio.timeout(PATIENCE):
            info = await self.info(stream, group)
            while not holds(info):
                await asyncio.sleep(0.02)
                info = await self.info(stream, group)
        return info

    @asynccontextmanager
    async def consume(
        self, stream: str | None, group: str = "g", buffer_size: int = 10, *, name: str | None = None
    ) -> AsyncIterator[Consuming]:
        """A confirmed consumer, gone at the end of the context."""
        named = [("connection-name", name)] if name else []
        call = self._client.open(READ_GROUP, [*self._metadata, *named])
        try:
            await call.send(GroupReadOptions(stream, group, buffer_size))
            assert isinstance(await anext(call), GroupConfirmed)
            yield Consuming(call)
        finally:
            call.cancel()
