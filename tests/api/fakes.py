"""A carrier that answers from a script, for what a server can't be made to do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

from fastapi_esdb.connection.caller import DEFAULT_OPTIONS, CallOptions
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.pool.resolution_state import NewestPosition, StreamLocks
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.streams.values import AppendRequest


def recorded(
    revision: int = 0,
    *,
    id: UUID | None = None,  # noqa: A002  the field's name for it
    stream: str = "s",
    commit: int | None = None,
    link: RecordedEvent | None = None,
) -> RecordedEvent:
    """An event as a server would send it; its position is at `commit`, by default at 100 times the revision."""
    at = 100 * revision if commit is None else commit
    time = datetime(2026, 1, 1, tzinfo=UTC)
    where = Position(at, at)
    return RecordedEvent(id or uuid4(), stream, revision, "T", b"{}", b"", "application/json", time, where, link)


class FakeStream:
    """An open call: gives the scripted frames, raises the scripted error, ends where the script does.

    An `asyncio.Event` in the script is waited for.
    """

    def __init__(self, carrier: FakeCarrier, is_bulk: bool = False) -> None:
        self._carrier = carrier
        self._frames: deque[Any] = deque()
        self.is_bulk = is_bulk
        self._is_open = False

    def _begin(self) -> None:
        if not self._is_open:
            if not self._carrier.is_connected:
                raise ConnectionClosed
            self._is_open = True
            self._frames.extend(self._carrier.calls.popleft())
            self._carrier.open_calls += 1

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._carrier.open_calls -= 1
        self._frames.clear()

    async def read(self, whole: int = 0) -> list[Any]:
        """One frame at a time, or all of them."""
        self._begin()
        if not whole:
            return await self._next()
        found: list[Any] = []
        while len(found) < whole and (frames := await self._next()):
            found += frames
        return found

    async def _next(self) -> list[Any]:
        while self._frames:
            frame = self._frames.popleft()
            if isinstance(frame, BaseException):
                raise frame
            if not isinstance(frame, asyncio.Event):
                return [frame]
            await frame.wait()
        return []

    async def send(self, request: Any) -> None:
        raise NotImplementedError


class FakeCarrier:
    """Plays `calls` for what is opened, and `answers` for what is sent; an exception in them is raised.

    `methods`, `requests` and `options` hold what was asked, in order; `open_calls` counts what was opened and not
    given back, `long_lived` how often a long-lived call was asked for, `bulk` which of the calls that were opened are
    expected to have many answers.
    """

    def __init__(self, calls: Iterable[Sequence[Any]] = (), answers: Iterable[Any] = ()) -> None:
        self.calls = deque(calls)
        self.answers = deque(answers)
        self.methods: list[Any] = []
        self.requests: list[Any] = []
        self.options: list[CallOptions] = []
        self.open_calls = 0
        self.long_lived = 0
        self.bulk: list[bool] = []
        self.waits: list[float | None] = []
        self.is_connected = True
        self.is_closed = False
        self.deadline = 10.0
        self.retry_unknown = True
        self.seen = NewestPosition()
        self.stream_locks = StreamLocks()
        self.schema_ids: dict[str, UUID] = {}
        self.at_one_node = 0
        """How often calls were to go over one connection."""

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Returns at once, unless it is not connected: then it is closed instead of becoming so."""
        self.waits.append(timeout)
        if not self.is_connected:
            self.is_closed = True
            raise ConnectionClosed

    @asynccontextmanager
    async def at_leader(self, options: CallOptions) -> AsyncIterator[FakeCarrier]:  # noqa: ARG002  as a pool has it
        self.at_one_node += 1
        yield self

    async def call(self, method: Any, request: Any, options: CallOptions = DEFAULT_OPTIONS) -> Any:
        return self._answer(method, request, options)

    async def send(self, method: Any, requests: Sequence[Any], options: CallOptions = DEFAULT_OPTIONS) -> Any:
        return self._answer(method, requests, options)

    async def append(self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS) -> Any:
        return self._answer(None, request, options)

    def _answer(self, method: Any, request: Any, options: CallOptions) -> Any:
        self._asked(method, request, options)
        answer = self.answers.popleft()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _asked(self, method: Any, request: Any, options: CallOptions) -> None:
        self.methods.append(method)
        self.requests.append(request)
        self.options.append(options)

    def stream(
        self,
        method: Any,
        requests: Sequence[Any],
        options: CallOptions = DEFAULT_OPTIONS,
        *,
        long_lived: bool = False,
        bulk: bool = False,
    ) -> FakeStream:
        self._asked(method, requests[0], options)
        self.bulk.append(bulk)
        self.long_lived += long_lived
        return FakeStream(self, bulk)
