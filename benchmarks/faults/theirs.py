"""kurrentdbclient's async client under load, with what its users write around it to have subscriptions back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from kurrentdbclient import AsyncKurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import DeadlineExceededError

from benchmarks.faults.client import NOTHING
from benchmarks.faults.load import WAIT

NAME = "kurrentdbclient"

OPTIONS = "keepAliveInterval=1000&keepAliveTimeout=6000&gossipTimeout=1&maxDiscoverAttempts=100"
"""The best that was found for it. Under load a frozen leader is noticed after the time-out of a ping: by then another
one leads. With a shorter one it connects to the frozen one again, which gossip still names, and stays there until its
append is over; a longer one loses time. Discovery goes on for 10 s."""

SETTINGS = f"{OPTIONS}; appends with timeout={WAIT:.0f}"

AGAIN = 0.1
"""Seconds until a subscription that has ended is opened again."""

OPENING = 10.0
"""Seconds that opening may take: now and then it would never end."""


class Theirs:
    """A client that is made once and kept."""

    def __init__(self, client: AsyncKurrentDBClient, *, expects: bool = True) -> None:
        self.reopened = 0
        self._client = client
        self._expects = expects

    async def append(self, stream: str, event_id: UUID, revision: int) -> None:
        event = NewEvent(id=event_id, type="Written", data=b"{}")
        version = StreamState.NO_STREAM if revision == NOTHING else revision
        if not self._expects:
            version = StreamState.ANY
        await self._client.append_to_stream(stream, events=event, current_version=version, timeout=WAIT)

    async def revision(self, stream: str) -> int:
        version = await self._client.get_current_version(stream, timeout=WAIT)
        return NOTHING if version is StreamState.NO_STREAM else int(version)

    async def follow(self, stream: str) -> AsyncGenerator[UUID, None]:
        last: int | None = None

        async def make() -> Any:
            return await self._client.subscribe_to_stream(stream, stream_position=last)

        async for event in self._again_and_again(make):
            last = event.stream_position
            yield event.id

    async def follow_all(self, prefix: str) -> AsyncGenerator[UUID, None]:
        last: int | None = None
        pattern = [f"{re.escape(prefix)}.*"]

        async def make() -> Any:
            return await self._client.subscribe_to_all(
                commit_position=last, filter_include=pattern, filter_by_stream_name=True
            )

        async for event in self._again_and_again(make):
            last = event.commit_position
            yield event.id

    async def consume(self, stream: str, group: str) -> AsyncGenerator[UUID, None]:
        current: Any = None

        async def open_consumer() -> Any:
            nonlocal current
            current = await self._client.read_subscription_to_stream(group_name=group, stream_name=stream)
            return current

        async for event in self._again_and_again(open_consumer):
            yield event.id
            with suppress(Exception):  # the event comes again
                await current.ack(event)

    def leaves_open(self, error: Exception) -> bool:
        """It has no error for that; one that tells of a deadline is taken as such."""
        return isinstance(error, DeadlineExceededError | TimeoutError)

    async def _again_and_again(self, make: Callable[[], Awaitable[Any]]) -> AsyncGenerator[Any, None]:
        """The events of one subscription after the other."""
        while True:
            try:
                async with asyncio.timeout(OPENING):
                    subscription = await make()
                async for event in subscription:
                    yield event
            except Exception:  # whatever it is, users can but open it again
                pass
            self.reopened += 1
            await asyncio.sleep(AGAIN)


@asynccontextmanager
async def theirs(target: str, *, expects: bool = True) -> AsyncIterator[Theirs]:
    """One that is open; its appends expect the revision that is known, or anything."""
    async with AsyncKurrentDBClient(f"{target}&{OPTIONS}") as client:
        yield Theirs(client, expects=expects)
