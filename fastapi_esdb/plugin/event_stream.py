"""Server-sent events: opened before the answer begins, resumed after the last event that the client has seen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Annotated, Any, Protocol, Self

import anyio
from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.types import Message, Receive, Scope, Send

from fastapi_esdb.api.arguments import start_in_all
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.log import log
from fastapi_esdb.plugin import problems as kinds
from fastapi_esdb.plugin.encoding import Encode, Shown, sent
from fastapi_esdb.plugin.fan_out import SLOW, Listener
from fastapi_esdb.plugin.problems import Refusal
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION

HEARTBEAT = 15.0
"""Seconds without an event after which a comment is sent, which keeps the connections of proxies open."""


class LastEventIdMalformed(Refusal):
    """400: `Last-Event-ID` is not what the events of this answer have as their ids."""

    kind = kinds.LAST_EVENT_ID_MALFORMED

    def __init__(self, like: str) -> None:
        super().__init__(f"Last-Event-ID must be {like}")


Sent = Annotated[str | None, Header(alias="Last-Event-ID", description="The id of the last event that was seen")]
Asked = Annotated[str | None, Query(alias="last_event_id", description="The same, where no header can be sent")]


def last_revision(sent: Sent = None, asked: Asked = None) -> int | Edge:
    """Return the revision in `Last-Event-ID`, else in `?last_event_id=`, else START. What is none is refused with 400.

    Browsers send the header when they come back by themselves; a script that comes back, or that opens a WebSocket,
    can't send one. After that the header is the newer one.
    """
    last = asked if sent is None else sent
    if last is None:
        return START
    if not re.fullmatch("[0-9]{1,19}", last) or int(last) > MAX_REVISION:
        raise LastEventIdMalformed("a revision like 7")
    return int(last)


def last_position(sent: Sent = None, asked: Asked = None) -> Position | Edge:
    """Return the position there, else START. What is none is refused with 400."""
    last = asked if sent is None else sent
    if last is None:
        return START
    try:
        return start_in_all(Position.parse(last), "Last-Event-ID")
    except InvalidArgument as error:
        raise LastEventIdMalformed("a position like C:1788/P:1788") from error


LastRevision = Annotated[int | Edge, Depends(last_revision)]
LastPosition = Annotated[Position | Edge, Depends(last_position)]


class Chunks(AbstractAsyncContextManager[object, None], Protocol):
    """A source that makes the bytes of server-sent events by itself."""

    async def chunk(self, wait: float) -> bytes:
        """Return what is sent next, a comment where there is nothing for `wait` seconds; nothing at the end."""
        ...


Source = Subscription[Any] | Chunks


class EventStream(StreamingResponse):
    """An answer that follows events: what an endpoint returns for a browser's `EventSource`.

        @app.get("/orders/{order_id}/live", response_class=EventStream)
        async def live(order_id: str, esdb: EsdbDep, after: LastRevision) -> EventStream:
            return await EventStream.of(esdb.subscribe(f"order-{order_id}", after=after))

    The id of each event is its revision, of a subscription to `$all` its position. A browser that lost its connection
    sends the last one back as `Last-Event-ID`, which `LastRevision` and `LastPosition` read, as they do
    `?last_event_id=`.

    The subscription ends when the client leaves, and the answer when the server begins to stop or the connection to
    EventStoreDB is closed on purpose. Every 15 seconds without an event a comment is sent.
    """

    media_type = "text/event-stream"

    def __init__(self, source: Source, encode: Encode = sent, status_code: int = 200, *, retry: float = 1.0) -> None:
        """Made by `of`, which has the source opened."""
        self._source = source
        self._encode = encode
        self._retry = retry
        super().__init__(self._body(), status_code, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    @classmethod
    async def of(cls, source: Source, encode: Encode = sent, *, retry: float = 1.0) -> Self:
        """Open a subscription or a listener, and return the answer. Raises what hinders it, in time for a status.

        `encode` makes of an event what is sent, or `None` for one that is not; an id that it leaves out is filled in. A
        listener has that of its `FanOut`. `retry` is the seconds after which a browser comes back when the answer has
        ended. Raises `InvalidArgument` for a subscription with `types=`: browsers are sent what is stored.
        """
        if isinstance(source, Subscription) and source._types is not None:
            raise InvalidArgument("an EventStream sends events as they are stored: subscribe without types=")
        await source.__aenter__()
        return cls(source, encode, retry=retry)

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        async with self._source, anyio.create_task_group() as tasks:
            tasks.start_soon(self._leave, receive, tasks.cancel_scope)
            with suppress(OSError):  # how servers tell that the client has gone, also the time limit
                await self.stream_response(self._limited(send))
            tasks.cancel_scope.cancel()
        if self.background is not None:
            await self.background()

    def _limited(self, send: Send) -> Send:
        """Sending, which ends the answer where a client takes nothing for too long while others wait for no one."""
        if not isinstance(self._source, Listener):
            return send

        async def limited(message: Message) -> None:
            async with asyncio.timeout(SLOW):
                await send(message)

        return limited

    async def _leave(self, receive: Receive, answering: anyio.CancelScope) -> None:
        await self.listen_for_disconnect(receive)
        answering.cancel()

    async def _body(self) -> AsyncIterator[bytes]:
        yield format_sse_event(retry=round(self._retry * 1000))
        source = self._source
        try:
            while chunk := await (self._next(source) if isinstance(source, Subscription) else source.chunk(HEARTBEAT)):
                yield chunk
        except ConnectionClosed:
            return
        except EsdbError as error:
            log.warning("event_stream_ended", f"server-sent events end: {error}", reason=shown(error))

    async def _next(self, subscription: Subscription[Any]) -> bytes:
        """The next event that is to be sent, a comment if there is none for a while; nothing at the end."""
        try:
            async with asyncio.timeout(HEARTBEAT):
                async for event in subscription:
                    if encoded := Shown(str(subscription.checkpoint), self._encode(event)).as_sse:
                        return encoded
        except TimeoutError:
            return KEEPALIVE_COMMENT
        return b""
