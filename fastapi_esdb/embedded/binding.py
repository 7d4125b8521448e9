"""Binds methods of the protocol to handlers: bytes and statuses outside, values and EsdbErrors inside.

Every method is bound as one that streams both ways, whatever its shape: on the wire there is no difference, and
grpc.aio leaves a unary call without a request unanswered for ever, where this one ends with a status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import DecodeError

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.running import RunningCalls
from fastapi_esdb.wire.errors import EsdbError, HandlerFailed, InvalidArgument, ServerNotReady
from fastapi_esdb.wire.metadata import parse_metadata
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.status import status_of

log = logging.getLogger(__name__)

Request = TypeVar("Request")
Response = TypeVar("Response")
Context = grpc.aio.ServicerContext[Any, Any]

THROWN = "Exception was thrown by handler."
"""What a real server says of a bug of its own."""


class Call(Generic[Request, Response]):
    """A running call as its handler sees it: an iterator of requests that takes responses.

    `user` is who calls, `None` for anonymous. Reading a request raises InvalidArgument for bytes that are none.
    """

    def __init__(self, method: Method[Request, Response], context: Context, user: str | None) -> None:
        self.user = user
        self._method = method
        self._context = context

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Request:
        raw = await self._context.read()
        if raw is grpc.aio.EOF:
            raise StopAsyncIteration
        try:
            return self._method.request.decode(self._method.request.message.FromString(raw))
        except DecodeError:
            raise InvalidArgument(f"malformed bytes: no request of {self._method.path}") from None

    async def request(self) -> Request:
        """The only request of a unary call, or the first one of a stream. Raises InvalidArgument without one."""
        async for request in self:
            return request
        raise InvalidArgument(f"{self._method.path} needs a request and got none")

    async def send(self, response: Response) -> None:
        """Send a response; waits while the client does not take what was sent before."""
        await self._context.write(self._method.response.encode(response).SerializeToString())


Handler = Callable[[Call[Any, Any]], Awaitable[None]]


class Binding(grpc.GenericRpcHandler):
    """The methods that the server has. A method that is not bound is UNIMPLEMENTED."""

    def __init__(self, access: Access, running: RunningCalls) -> None:
        self._access = access
        self._running = running
        self._bound: dict[str, tuple[Method[Any, Any], grpc.RpcMethodHandler[Any, Any]]] = {}

    @property
    def methods(self) -> tuple[Method[Any, Any], ...]:
        """The methods bound so far."""
        return tuple(method for method, _ in self._bound.values())

    def bind(self, method: Method[Any, Any], handler: Handler) -> None:
        """Have the handler carry out every call of the method."""

        async def serve(_requests: object, context: Context) -> None:
            with self._running.count(method.name):
                await self._serve(method, handler, context)

        self._bound[method.path] = method, grpc.stream_stream_rpc_method_handler(serve)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """grpc's way to ask for the handler of a call."""
        found = self._bound.get(handler_call_details.method)
        return found[1] if found else None

    async def _serve(self, method: Method[Any, Any], handler: Handler, context: Context) -> None:
        try:
            user = self._access.user_of(parse_metadata(context.invocation_metadata() or ()))
            await handler(Call(method, context, user))
        except EsdbError as error:
            _end(context, error)
        except asyncio.CancelledError:
            if not self._running.ended_by_stop():
                raise
            _end(context, ServerNotReady())
        except Exception:
            log.exception("the handler of %s failed", method.path)
            _end(context, HandlerFailed(THROWN))


def _end(context: Context, error: EsdbError) -> None:
    status = status_of(error)
    context.set_code(status.code)
    context.set_details(status.details)
    context.set_trailing_metadata(status.trailers)
