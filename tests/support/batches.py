"""A gRPC server whose answers to appends a test gives by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

import grpc
import grpc.aio

from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethod, SupportedMethods
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.headers import KnownHeaders, parse_headers
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.status.translation import status_of
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND
from fastapi_esdb.wire.streams.values import AppendOptions, AppendResult, BatchAnswer, BatchFragment, BatchOptions
from tests.support.waiting import PATIENCE

DONE = AppendResult(0, Position(10, 10))

Context = grpc.aio.ServicerContext[Any, Any]
End = EsdbError | bytes


class Received:
    """An append that has arrived in a batch call, to be answered, or to end the call."""

    def __init__(self, fragment: BatchFragment, answers: asyncio.Queue[bytes | EsdbError]) -> None:
        self.fragment = fragment
        self._answers = answers

    @property
    def options(self) -> BatchOptions:
        assert self.fragment.options
        return self.fragment.options

    @property
    def stream(self) -> str:
        return self.options.stream

    def answer(self, result: AppendResult | EsdbError = DONE) -> None:
        """Say what came of it, as a message of the call."""
        fragment = self.fragment
        answer = BatchAnswer(fragment.correlation_id, self.stream, result, fragment.structured_id)
        self._answers.put_nowait(BATCH_APPEND.encode_answer(answer))

    def end_call(self, end: End) -> None:
        """End the whole call with that status, or send these bytes instead of an answer."""
        self._answers.put_nowait(end)


class BatchServer:
    """Puts each append that arrives into `inbox`; plain ones it answers at once, and lists in `plain`."""

    def __init__(self, *, names: Sequence[SupportedMethod] = (), batches: bool = True) -> None:
        self.port = 0
        self.inbox: asyncio.Queue[Received] = asyncio.Queue()
        self.plain: list[AppendOptions] = []
        self.headers: list[KnownHeaders] = []
        """Of each batch call that was opened, and of each plain append."""
        self.peers: set[str] = set()
        """The connections that batch calls came over."""
        self.open_calls = 0
        """Batch calls that run."""
        self.refusal: EsdbError | None = None
        """What it ends every batch call with, before it reads anything."""
        self._names = tuple(names)
        self._batches = batches
        self._server: grpc.aio.Server | None = None

    async def take(self, count: int = 1) -> list[Received]:
        """The next appends, once they are there."""
        async with asyncio.timeout(PATIENCE):
            return [await self.inbox.get() for _ in range(count)]

    async def take_one(self) -> Received:
        (one,) = await self.take()
        return one

    async def _batch(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        self.headers.append(parse_headers(context.invocation_metadata() or ()))
        self.peers.add(context.peer())
        if self.refusal:
            await _abort(context, self.refusal)
        answers: asyncio.Queue[bytes | EsdbError] = asyncio.Queue()
        taking = asyncio.create_task(self._take_all(requests, answers))
        self.open_calls += 1
        try:
            while True:
                answer = await answers.get()
                if isinstance(answer, EsdbError):
                    await _abort(context, answer)
                else:
                    yield answer
        finally:
            self.open_calls -= 1
            taking.cancel()

    async def _take_all(self, requests: AsyncIterator[bytes], answers: asyncio.Queue[bytes | EsdbError]) -> None:
        async for data in requests:
            fragment = BATCH_APPEND.decode_request(data)
            self.inbox.put_nowait(Received(fragment, answers))

    async def _append(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        self.headers.append(parse_headers(context.invocation_metadata() or ()))
        frames = [APPEND.decode_request(data) async for data in requests]
        assert isinstance(frames[0], AppendOptions)
        self.plain.append(frames[0])
        return APPEND.encode_answer(DONE)

    async def _features(self, _: bytes, _context: Context) -> bytes:
        return SUPPORTED_METHODS.encode_answer(SupportedMethods("24.6.0", self._names))

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((_Handlers(self),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        await self._server.stop(None)

    def handler(self, path: str) -> grpc.RpcMethodHandler[Any, Any] | None:
        """What serves the calls of that path."""
        if path == BATCH_APPEND.path and self._batches:
            return grpc.stream_stream_rpc_method_handler(self._batch)
        if path == APPEND.path:
            return grpc.stream_unary_rpc_method_handler(self._append)
        return grpc.unary_unary_rpc_method_handler(self._features) if path == SUPPORTED_METHODS.path else None


class _Handlers(grpc.GenericRpcHandler):
    def __init__(self, server: BatchServer) -> None:
        self._server = server

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        return self._server.handler(details.method)


def named(method: Method[Any, Any]) -> SupportedMethod:
    """The method as a server names it among its own."""
    return SupportedMethod(method.service.lower(), method.name.lower())


async def _abort(context: Context, error: EsdbError) -> None:
    status = status_of(error)
    await context.abort(grpc.StatusCode[status.code.name], status.details, status.trailers)
