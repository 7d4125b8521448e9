"""Binds methods of the protocol to handlers: bytes and statuses outside, values and EsdbErrors inside.

Every method is bound as one that streams both ways, whatever its shape: on the wire there is no difference, and
grpc.aio leaves a unary call without a request unanswered for ever, where this one ends with a status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.calls import Call, Context, RunningCalls
from fastapi_esdb.wire.errors import EsdbError, HandlerFailed, ServerNotReady
from fastapi_esdb.wire.metadata import parse_metadata
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.status import status_of

log = logging.getLogger(__name__)

AnyMethod = Method[Any, Any]
Handler = Callable[[Call[Any, Any]], Awaitable[None]]

THROWN = "Exception was thrown by handler."
"""What a real server says of a bug of its own."""


class Binding(grpc.GenericRpcHandler):
    """The methods that the server has, each with its handler. A method that is not bound is UNIMPLEMENTED."""

    def __init__(self, access: Access, calls: RunningCalls) -> None:
        self._access = access
        self._calls = calls
        self._handlers: dict[str, Any] = {}
        self.methods: list[AnyMethod] = []

    def bind(self, method: AnyMethod, handler: Handler) -> None:
        """Have the handler carry out every call of the method."""

        async def serve(_requests: object, context: Context) -> None:
            call = Call(method, context)
            with self._calls.running(call):
                await self._carry_out(call, handler, context)

        self._handlers[method.path] = grpc.stream_stream_rpc_method_handler(serve)
        self.methods.append(method)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """How grpc asks for the handler of a call; `None` where there is none."""
        return self._handlers.get(handler_call_details.method)

    async def _carry_out(self, call: Call[Any, Any], handler: Handler, context: Context) -> None:
        try:
            self._admit(call, context)
            await handler(call)
        except EsdbError as error:
            _end(context, error)
        except asyncio.CancelledError:
            if not self._calls.was_cut():
                raise
            _end(context, ServerNotReady())
        except Exception:
            log.exception("the handler of %s failed", call.method.path)
            _end(context, HandlerFailed(THROWN))

    def _admit(self, call: Call[Any, Any], context: Context) -> None:
        if self._calls.are_stopping:
            raise ServerNotReady
        call.user = self._access.user_of(parse_metadata(context.invocation_metadata() or ()))


def _end(context: Context, error: EsdbError) -> None:
    status = status_of(error)
    context.set_code(status.code)
    context.set_details(status.details)
    context.set_trailing_metadata(status.trailers)
