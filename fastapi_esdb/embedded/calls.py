"""A call of a client while it runs, and all of those: counted for whoever looks, ended when the server stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import DecodeError

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Method

Request = TypeVar("Request")
Response = TypeVar("Response")
Context = grpc.aio.ServicerContext[Any, Any]


class Call(Generic[Request, Response]):
    """A call as its handler sees it: an iterator of its requests, that takes responses.

    `user` is who calls, `None` for anonymous.
    """

    def __init__(self, method: Method[Request, Response], context: Context) -> None:
        self.method = method
        self.user: str | None = None
        self._context = context
        self._is_receiving = False

    @property
    def name(self) -> str:
        """The service and its method, `Streams.Read`."""
        return f"{self.method.service.rpartition('.')[2]}.{self.method.name}"

    @property
    def may_be_cut(self) -> bool:
        """Whether the call can be ended without leaving its client in doubt about a write."""
        return self._is_receiving or not self.method.writes

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Request:
        """The next request. Raises InvalidArgument for bytes that are none."""
        raw = await self._receive()
        if raw is grpc.aio.EOF:
            raise StopAsyncIteration
        try:
            return self.method.request.decode(self.method.request.message.FromString(raw))
        except DecodeError:
            raise InvalidArgument(f"malformed bytes: no request of {self.method.path}") from None

    async def request(self) -> Request:
        """The only request of a unary call, or the first one of a stream. Raises InvalidArgument without one."""
        async for request in self:
            return request
        raise InvalidArgument(f"{self.method.path} needs a request and got none")

    async def send(self, response: Response) -> None:
        """Send a response; waits while the client does not take what was sent before."""
        await self._context.write(self.method.response.encode(response).SerializeToString())

    async def _receive(self) -> Any:
        self._is_receiving = True
        try:
            return await self._context.read()
        finally:
            self._is_receiving = False


class RunningCalls:
    """The calls that run now, each with its task."""

    def __init__(self) -> None:
        self._calls: dict[asyncio.Task[Any], Call[Any, Any]] = {}
        self.are_stopping = False

    @property
    def counts(self) -> Mapping[str, int]:
        """How many calls run, by `Service.Method`; methods without calls are left out."""
        return Counter(call.name for call in self._calls.values())

    @contextmanager
    def running(self, call: Call[Any, Any]) -> Iterator[None]:
        """Count the call, which the current task carries out, while the context lasts."""
        task = _this_task()
        self._calls[task] = call
        try:
            yield
        finally:
            del self._calls[task]

    async def stop(self, grace: float) -> None:
        """End every call. Writes that are under way have `grace` seconds to finish, everything else ends at once."""
        self.are_stopping = True
        self._cut([task for task, call in self._calls.items() if call.may_be_cut])
        await self._wait(grace)
        self._cut(list(self._calls))
        await self._wait(grace)

    def was_cut(self) -> bool:
        """Whether the current call was cancelled by `stop`, and not by its client; if so, it is no longer cancelled."""
        return self.are_stopping and _this_task().uncancel() == 0

    def _cut(self, tasks: list[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()

    async def _wait(self, seconds: float) -> None:
        if self._calls:
            await asyncio.wait(list(self._calls), timeout=seconds)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a call is carried out by a task")
    return task
