"""A gRPC server that does what each request says, and the methods to call it with.

| text of the request | what the server does |
|---|---|
| `fail CODE details` | ends the call with that status |
| `twice CODE details` | the same for the first two calls with this text, then answers |
| `sleep SECONDS` | answers later |
| `wait` | never answers |
| `count N` | answers N times (a stream); then it ends |
| `half N` | breaks off half-way the first time, then as `count N` |
| `hold N` | answers N times and then no more, without ending |
| `garbage` | answers with bytes that are no message |
| anything else | answers with the same text |
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Self

import grpc
import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue

from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethod, SupportedMethods
from fastapi_esdb.wire.headers import KnownHeaders, parse_headers
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.streams.methods import READ as READ_STREAM

TEXT: Codec[str] = Codec(StringValue, lambda text: StringValue(value=text), lambda message: message.value)

READ = Method("test.Scripted", "Read", Shape.UNARY, TEXT, TEXT, since="")
WRITE = Method("test.Scripted", "Write", Shape.UNARY, TEXT, TEXT, writes=True, since="")
FOLLOW = Method("test.Scripted", "Follow", Shape.SERVER_STREAM, TEXT, TEXT, since="")
COLLECT = Method("test.Scripted", "Collect", Shape.CLIENT_STREAM, TEXT, TEXT, writes=True, since="")
TALK = Method("test.Scripted", "Talk", Shape.DUPLEX, TEXT, TEXT, writes=True, since="")
"""`since` is empty: the protocol has none of them."""
MISSING = Method("test.Scripted", "Missing", Shape.UNARY, TEXT, TEXT, since="99.1")
"""The server does not have it."""

GARBAGE = b"\xff\xff\xff"
VERSION = "24.6.0"

Context = grpc.aio.ServicerContext[Any, Any]
Option = tuple[str, int]

PATIENT: Sequence[Option] = (("grpc.http2.max_ping_strikes", 0), ("grpc.so_reuseport", 0))
"""Without the first one, gRPC's own server takes frequent keep-alive pings amiss, which real servers do not."""


class ScriptedServer:
    """Listens from `start` (or entering the context) on; again on the same port after `stop`."""

    def __init__(
        self,
        *,
        options: Sequence[Option] = (),
        tls: grpc.ServerCredentials | None = None,
        interceptors: Sequence[Any] = (),
    ) -> None:
        self.port = 0
        self.seen: list[tuple[str, str]] = []
        """Name and text of each call that arrived."""
        self.headers: list[KnownHeaders] = []
        """Their headers."""
        self.raw_headers: list[Mapping[str, str | bytes]] = []
        self.active: Counter[str] = Counter()
        """Calls that run now, by name."""
        self.probe_code: grpc.StatusCode | None = None
        """How the server fails the probe of its features, if it does."""
        self.names: Sequence[SupportedMethod] = ()
        """The calls that it names as its own when it is asked; without any it does not tell."""
        self.unknown: list[str] = []
        """Paths of calls that it does not have and was asked for nevertheless."""
        self.probe_headers: list[KnownHeaders] = []
        self.is_ready = True
        """Whether it takes calls; if not, it answers the probe and refuses all else."""
        self._options = tuple({**dict(PATIENT), **dict(options)}.items())
        self._tls = tls
        self._interceptors = interceptors
        self._server: grpc.aio.Server | None = None
        self._failed: Counter[str] = Counter()

    @property
    def connection_string(self) -> str:
        """The way to it."""
        return f"esdb://127.0.0.1:{self.port}?tls={str(self._tls is not None).lower()}"

    async def start(self) -> None:
        """Listen."""
        self._server = grpc.aio.server(options=self._options, interceptors=self._interceptors)
        self._server.add_generic_rpc_handlers((self._handlers(),))
        address = f"127.0.0.1:{self.port}"
        if self._tls is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, self._tls)
        await self._server.start()

    async def stop(self, grace: float | None = None) -> None:
        """Stop listening; calls that run get `grace` seconds."""
        if self._server is not None:
            await self._server.stop(grace)
            self._server = None

    def _handlers(self) -> grpc.GenericRpcHandler:
        return _Handlers(
            self.unknown,
            {
                SUPPORTED_METHODS.path: grpc.unary_unary_rpc_method_handler(self._features),
                READ_STREAM.path: grpc.unary_stream_rpc_method_handler(_nothing),
                READ.path: grpc.unary_unary_rpc_method_handler(self._answer_one(READ)),
                WRITE.path: grpc.unary_unary_rpc_method_handler(self._answer_one(WRITE)),
                FOLLOW.path: grpc.unary_stream_rpc_method_handler(self._answer_many),
                COLLECT.path: grpc.stream_unary_rpc_method_handler(self._collect),
                TALK.path: grpc.stream_stream_rpc_method_handler(self._talk),
            },
        )

    async def _features(self, _: bytes, context: Context) -> bytes:
        self.probe_headers.append(parse_headers(context.invocation_metadata() or ()))
        if self.probe_code is not None:
            await context.abort(self.probe_code, "the probe is to fail")
        answer = SupportedMethods(VERSION, tuple(self.names))
        return SUPPORTED_METHODS.encode_answer(answer)

    def _answer_one(self, method: Method[str, str]) -> Callable[[bytes, Context], Any]:
        async def answer(data: bytes, context: Context) -> bytes:
            with _Running(self, method, _text(data), context):
                return await self._obey(_text(data), context)

        return answer

    async def _answer_many(self, data: bytes, context: Context) -> AsyncIterator[bytes]:
        text = _text(data)
        with _Running(self, FOLLOW, text, context):
            command, _, argument = text.partition(" ")
            if command not in ("count", "hold", "half"):
                yield await self._obey(text, context)
                return
            for number in range(int(argument)):
                if command == "half" and number == int(argument) // 2 and not self._failed[text]:
                    self._failed[text] += 1
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "Server Is Not Ready")
                yield _data(str(number))
            if command == "hold":
                await asyncio.Event().wait()

    async def _collect(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        with _Running(self, COLLECT, "", context):
            texts = [_text(data) async for data in requests]
            return await self._obey(" ".join(texts), context)

    async def _talk(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        with _Running(self, TALK, "", context):
            async for data in requests:
                if (text := _text(data)) == "end":
                    return
                yield await self._obey(text, context)

    async def _obey(self, text: str, context: Context) -> bytes:
        command, _, argument = text.partition(" ")
        if not self.is_ready:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Server Is Not Ready")
        if command == "fail" or (command == "twice" and self._failed[text] < 2):
            self._failed[text] += 1
            code, _, details = argument.partition(" ")
            await context.abort(grpc.StatusCode[code], details)
        if command == "sleep":
            await asyncio.sleep(float(argument))
        if command == "wait":
            await asyncio.Event().wait()
        return GARBAGE if command == "garbage" else _data(text)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


NO_FRAMES: Sequence[bytes] = ()


async def _nothing(_: bytes, __: Context) -> AsyncIterator[bytes]:
    """A stream that is not there, which is all that new connections want to know of it."""
    for frame in NO_FRAMES:
        yield frame


class _Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a path, and writes down for which there is none."""

    def __init__(self, unknown: list[str], by_path: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        self._unknown = unknown
        self._by_path = by_path

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = self._by_path.get(details.method)
        if handler is None:
            self._unknown.append(details.method)
        return handler


class _Running:
    """Counts a call while it runs."""

    def __init__(self, server: ScriptedServer, method: Method[str, str], text: str, context: Context) -> None:
        self._server = server
        self._name = method.name
        pairs = tuple(context.invocation_metadata() or ())
        server.seen.append((method.name, text))
        server.headers.append(parse_headers(pairs))
        server.raw_headers.append(dict(pairs))

    def __enter__(self) -> None:
        self._server.active[self._name] += 1

    def __exit__(self, *_: object) -> None:
        self._server.active[self._name] -= 1


def _text(data: bytes) -> str:
    return StringValue.FromString(data).value


def _data(text: str) -> bytes:
    return StringValue(value=text).SerializeToString()


async def _serve(port: int, streams: int) -> None:
    server = ScriptedServer(options=[("grpc.max_concurrent_streams", streams)])
    server.port = port
    async with server:
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a scripted server, until it is killed")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--streams", type=int, default=100)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.streams))
