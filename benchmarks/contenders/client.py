"""What a contender can do. Each does what its documentation says a user would do, and looks at what it gets."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable
from types import TracebackType
from typing import Protocol, Self

from benchmarks.events import DATA


class Event(Protocol):
    """What the clients give, as far as it is looked at."""

    @property
    def data(self) -> bytes: ...


async def size_of_first(events: AsyncIterable[Event], count: int) -> int:
    """The bytes of data in so many events of a subscription."""
    size = 0
    async for event in events:
        size += len(event.data)
        count -= 1
        if not count:
            break
    return size


async def checked(read: Awaitable[int], events: int) -> None:
    """A contender that loses events is not measured."""
    size = await read
    if size != events * len(DATA):
        raise RuntimeError(f"{size} bytes came where {events} events of {len(DATA)} bytes were due")


class Client:
    """One contender, within `async with`. It has the calls of the cases that it takes part in, and no others.

    Reads give the bytes of data that came, so that whoever measures sees that all of it did, and that each contender
    has looked into each event.
    """

    async def read(self, stream: str) -> int:
        """Read the whole stream."""
        raise NotImplementedError

    async def subscribe(self, stream: str, events: int) -> int:
        """Follow the stream from its start until so many events came."""
        raise NotImplementedError

    async def read_some(self, stream: str, limit: int) -> int:
        """Read the first events of the stream."""
        raise NotImplementedError

    async def append(self, stream: str, data: bytes) -> None:
        """Append one event, and return when the server has it."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the connection."""
