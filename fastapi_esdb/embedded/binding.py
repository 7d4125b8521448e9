"""Binds methods of the protocol to handlers: bytes and statuses outside, values and EsdbErrors inside.

Every method is bound as one that streams both ways, whatever its shape: on the wire there is no difference, and
grpc.aio leaves a unary call without a request unanswered for ever, where this one ends with a status.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.calls import AnyCall, Call, Context, Handler
from fastapi_esdb.embedded.faults import Faults
from fastapi_esdb.embedded.membership import Membership
from fastapi_esdb.wire.admin.indexes import CREATE_INDEX
from fastapi_esdb.wire.errors import (
    EsdbError,
    HandlerFailed,
    InvalidArgument,
    ServerNotReady,
    ServerShuttingDown,
    ServerTimeout,
)
from fastapi_esdb.wire.headers import parse_headers
from fastapi_esdb.wire.method import Method, Shape
from fastapi_esdb.wire.quiet_grpc import grpc
from fastapi_esdb.wire.schemas.methods import CREATE_SCHEMA
from fastapi_esdb.wire.status.translation import Status, registry_status_of, rich_status_of, status_of
from fastapi_esdb.wire.streams.methods import BATCH_APPEND

log = logging.getLogger(__name__)

AnyMethod = Method[Any, Any]

V2 = "kurrentdb.protocol."
"""The beginning of the names of services whose errors have rich details."""

THROWN = "Exception was thrown by handler."
"""The text of a real server for an error of its own."""


class RunningCalls:
    """The calls that run now, each with its task."""

    def __init__(self) -> None:
        self._calls: dict[asyncio.Task[Any], Call[Any, Any]] = {}
        self.are_stopping = False

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of running calls by `Service.Method`, without methods that have none."""
        return Counter(call.name for call in self._calls.values())

    @contextmanager
    def running(self, call: Call[Any, Any]) -> Iterator[None]:
        """Count a call of the current task while the context lasts."""
        task = _this_task()
        self._calls[task] = call
        try:
            yield
        finally:
            del self._calls[task]

    async def stop(self, grace: float) -> None:
        """End every call. Writes that are under way have `grace` seconds to finish, everything else ends at once."""
        self.are_stopping = True
        left = {task: call for task, call in self._calls.items() if not call.may_be_cut}
        _cut(self._calls.keys() - left.keys())
        for call in left.values():
            call.is_to_end = True
        await self._wait(grace)
        left = {task: call for task, call in left.items() if task in self._calls}
        for call in left.values():
            call.was_writing = not call.may_be_cut
        _cut(left)
        await self._wait(grace)

    def was_cut(self) -> bool:
        """Return whether `stop`, not its client, has cancelled the current call, which is then no longer cancelled."""
        return self.are_stopping and _this_task().uncancel() == 0

    async def _wait(self, seconds: float) -> None:
        if self._calls:
            await asyncio.wait(list(self._calls), timeout=seconds)


def _cut(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a call is carried out by a task")
    return task


class Binding(grpc.GenericRpcHandler):
    """The methods that the server has, each with its handler. A method that is not bound is UNIMPLEMENTED."""

    def __init__(self, access: Access, calls: RunningCalls, membership: Membership, faults: Faults) -> None:
        self._access = access
        self._faults = faults
        self._calls = calls
        self._membership = membership
        self._handlers: dict[str, Any] = {}
        self.methods: list[AnyMethod] = []

    def bind(self, method: AnyMethod, handler: Handler) -> None:
        """Have the handler carry out every call of the method."""

        async def serve(_requests: object, context: Context) -> None:
            call = Call(method, context, self._faults)
            with self._calls.running(call):
                await self._carry_out(call, handler, context)

        self._handlers[method.path] = grpc.stream_stream_rpc_method_handler(serve)
        self.methods.append(method)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a call, for gRPC, or `None` if there is none."""
        return self._handlers.get(handler_call_details.method)

    async def _carry_out(self, call: AnyCall, handler: Handler, context: Context) -> None:
        error = await self._error_of(call, handler, context)
        if isinstance(error, ServerNotReady) and call.has_unknown_outcome:
            error = ServerTimeout()
        if error:
            await call.drain()
            await self._faults.passed()
            _end(call, context, error)

    async def _error_of(self, call: AnyCall, handler: Handler, context: Context) -> EsdbError | None:
        """Have the handler carry out the call; what it failed with."""
        try:
            await self._admit(call, context)
            if call.method is not BATCH_APPEND:  # each of its batches is disturbed by itself
                await self._faults.before(call.method)
            await self._membership.carry_out(call, handler)
        except EsdbError as error:
            return error
        except asyncio.CancelledError:
            if not self._calls.was_cut():
                raise
            return ServerNotReady() if call.method.shape is Shape.UNARY else ServerShuttingDown()
        except grpc.aio.InternalError:
            log.debug("%s was broken off while it was being answered", call.method.path)
        except Exception:
            log.exception("the handler of %s failed", call.method.path)
            return HandlerFailed(THROWN)
        return None

    async def _admit(self, call: AnyCall, context: Context) -> None:
        if self._calls.are_stopping:
            raise ServerNotReady
        call.headers = parse_headers(context.invocation_metadata() or ())
        call.caller = await self._access.admit(call.method, call.headers)


def _status_of(error: EsdbError, service: str) -> Status:
    """Return how a call of the service ends. What is wrong with an index is said in words alone."""
    if service == CREATE_SCHEMA.service:
        return registry_status_of(error)
    is_plain = service == CREATE_INDEX.service and isinstance(error, InvalidArgument)
    return status_of(error) if is_plain or not service.startswith(V2) else rich_status_of(error)


def _end(call: AnyCall, context: Context, error: EsdbError) -> None:
    status = _status_of(error, call.method.service)
    context.set_code(grpc.StatusCode[status.code.name])
    context.set_details(status.details)
    context.set_trailing_metadata(status.trailers)
