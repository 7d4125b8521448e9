"""A bare client for tests of the server: the protocol's methods on a channel, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, Self, TypeVar
from uuid import uuid4

import grpc

from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.revisions import ANY, Expected
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.translation import error_of
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams.values import AppendAnswer, AppendOptions, AppendResult, ReadFrame, ReadRequest
from tests.support.waiting import PATIENCE

Request = TypeVar("Request")
Response = TypeVar("Response")
Metadata = Iterable[tuple[str, str]]

OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
]


def event(type_: str = "T", data: bytes = b"{}", metadata: bytes = b"", content_type: str = JSON) -> ProposedEvent:
    """An event with an id of its own."""
    return ProposedEvent(uuid4(), type_, data, metadata, content_type)


ENDED = (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError)
"""What sending raises on a call that is over."""


class OpenCall(Generic[Request, Response]):
    """A call under way. Errors are EsdbErrors, and nothing waits for longer than `PATIENCE`."""

    def __init__(self, method: Method[Request, Response], raw: Any) -> None:
        self.raw = raw
        self._method = method

    async def send(self, *requests: Request) -> None:
        """Send the requests; where the server has ended the call meanwhile, reading tells how."""
        with suppress(*ENDED):
            for request in requests:
                await self.raw.write(self._method.request.to_bytes(request))

    async def done_sending(self) -> None:
        with suppress(*ENDED):
            await self.raw.done_writing()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Response:
        async with asyncio.timeout(PATIENCE):
            raw = await self._read()
        if raw is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._method.response.from_bytes(raw)

    async def take(self, count: int) -> list[Response]:
        """So many responses."""
        return [await anext(self) for _ in range(count)]

    async def all(self) -> list[Response]:
        """The responses to the end of the call."""
        return [response async for response in self]

    def cancel(self) -> None:
        self.raw.cancel()

    async def _read(self) -> Any:
        try:
            return await self.raw.read()
        except grpc.aio.AioRpcError as error:
            trailers = tuple(error.trailing_metadata() or ())
            raise error_of(StatusCode[error.code().name], error.details(), trailers) from error


class BareClient:
    """Calls methods on one connection."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    def open(self, method: Method[Request, Response], metadata: Metadata = ()) -> OpenCall[Request, Response]:
        """Begin a call, whatever its shape."""
        return OpenCall(method, self.channel.stream_stream(method.path)(metadata=tuple(metadata)))

    async def call(
        self, method: Method[Request, Response], *requests: Request, metadata: Metadata = ()
    ) -> list[Response]:
        """Make a call from its first request to its last response."""
        call = self.open(method, metadata)
        await call.send(*requests)
        await call.done_sending()
        return await call.all()

    async def append(self, stream: str, *events: ProposedEvent, expected: Expected = ANY) -> AppendAnswer:
        [answer] = await self.call(APPEND, AppendOptions(stream, expected), *events)
        return answer

    async def write(self, stream: str, count: int = 1, *, data: bytes = b"{}") -> AppendResult:
        """Append so many events, which succeeds."""
        answer = await self.append(stream, *(event(data=data) for _ in range(count)))
        assert isinstance(answer, AppendResult)
        return answer

    async def frames(self, request: ReadRequest) -> list[ReadFrame]:
        return await self.call(READ, request)

    async def read(self, request: ReadRequest) -> list[RecordedEvent]:
        """The events that a read answers with."""
        return [frame for frame in await self.frames(request) if isinstance(frame, RecordedEvent)]

    async def subscribe(self, request: ReadRequest) -> OpenCall[ReadRequest, ReadFrame]:
        call = self.open(READ)
        await call.send(request)
        await call.done_sending()
        return call


@asynccontextmanager
async def connected(
    address: str, credentials: grpc.ChannelCredentials | None = None, options: Iterable[tuple[str, Any]] = ()
) -> AsyncIterator[BareClient]:
    """A client on a connection that it shares with nobody."""
    own = [*OPTIONS, *options]
    channel = (
        grpc.aio.secure_channel(address, credentials, own) if credentials else grpc.aio.insecure_channel(address, own)
    )
    async with channel:
        yield BareClient(channel)
