"""Requests to an app in the same process, whose answers are read while they come: see `testing.streaming_transport`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
from starlette.types import ASGIApp, Message, Scope

PATIENCE = 5.0
"""Seconds that an app gets to end an answer whose client has left, before it is cancelled."""


class StreamingTransport(httpx2.AsyncBaseTransport):
    """Each request is a task that runs the app, as in a server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer as soon as it begins. Raises what the app raises before that."""
        exchange = Exchange(self._app, _scope(request), await request.aread())
        start = await exchange.next()
        if start is None:
            raise RuntimeError("the app ended without an answer")
        return httpx2.Response(start["status"], headers=start.get("headers", []), stream=exchange)


class Exchange(httpx2.AsyncByteStream):
    """One request and its answer."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes) -> None:
        self._requests: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self._answers: asyncio.Queue[Message | None] = asyncio.Queue()
        self._has_left = asyncio.Event()
        self._task = asyncio.create_task(self._run(app, scope))

    async def next(self) -> Message | None:
        """Return what the app sends next, `None` when it has ended. Raises what it raised."""
        message = await self._answers.get()
        if message is None:
            await self._task
        return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while message := await self.next():
            yield message.get("body", b"")

    async def aclose(self) -> None:
        """The client leaves."""
        self._has_left.set()
        await asyncio.wait([self._task], timeout=PATIENCE)
        self._task.cancel()

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        finally:
            self._answers.put_nowait(None)

    async def _receive(self) -> Message:
        if self._requests:
            return self._requests.pop()
        await self._has_left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._has_left.is_set():
            raise OSError("the client has left")
        self._answers.put_nowait(message)
        await asyncio.sleep(0)


def _scope(request: httpx2.Request) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }
