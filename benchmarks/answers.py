"""What the stand-in of `packing` answers: what the server behind it has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi_esdb.connection.http2.limits import LIMITS
from fastapi_esdb.connection.http2.messages import MessageReader, framed
from fastapi_esdb.connection.http2.transport import Http2Transport
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb

TIMEOUT = 60.0
BATCH_APPEND = "/event_store.client.streams.Streams/BatchAppend"
BY_PATH_ALONE = ("Append", "AppendRecords")
"""Methods whose requests are never the same, and are answered alike."""

OK = (("grpc-status", "0"),)


@dataclass(frozen=True, slots=True)
class Answer:
    """The messages of a call, as they are sent, and its trailers."""

    data: bytes
    trailers: tuple[tuple[str, str], ...]


class Answers:
    """What the server behind has answered; each question is passed on to it once."""

    def __init__(self, behind: Http2Transport) -> None:
        self._behind = behind
        self._known: dict[tuple[str, bytes], asyncio.Task[Answer]] = {}
        self._append: asyncio.Task[bytes] | None = None

    async def to(self, path: str, requests: bytes) -> Answer:
        """The answer to that request, which may be several messages."""
        key = path, b"" if path.rpartition("/")[2] in BY_PATH_ALONE else requests
        if key not in self._known:
            self._known[key] = asyncio.ensure_future(self._ask(path, requests))
        return await self._known[key]

    async def to_batch(self, request: bytes) -> bytes:
        """What one request of BatchAppend is answered with: the same as the first one, for whoever asks now."""
        asked = pb.BatchAppendReq.FromString(request)
        if not asked.is_final:
            return b""
        if self._append is None:
            first = self._behind.client_stream(BATCH_APPEND, [request], TIMEOUT, CallHeaders())
            self._append = asyncio.ensure_future(first.answer())
        answer = pb.BatchAppendResp.FromString(await self._append)
        answer.correlation_id.CopyFrom(asked.correlation_id)
        answer.stream_identifier.CopyFrom(asked.options.stream_identifier)
        return framed(answer.SerializeToString())

    async def _ask(self, path: str, data: bytes) -> Answer:
        reader = MessageReader(LIMITS.message)
        reader.feed(data, 0, len(data))
        try:
            return Answer(await self._messages(path, reader.take()), OK)
        except RpcFailed as failed:
            return Answer(b"", (("grpc-status", str(int(failed.code))), ("grpc-message", failed.details)))

    async def _messages(self, path: str, requests: list[bytes]) -> bytes:
        if len(requests) != 1:
            return framed(await self._behind.client_stream(path, requests, TIMEOUT, CallHeaders()).answer())
        call = self._behind.server_stream(path, requests[0], TIMEOUT, CallHeaders())
        parts: list[bytes] = []
        while batch := await call.read():
            parts += map(framed, batch)
        return b"".join(parts)
