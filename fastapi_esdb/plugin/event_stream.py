"""Server-sent events: opened before the answer begins, resumed after the last event that the client has seen."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any, Self

import anyio
from fastapi import Depends, Header, HTTPException
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, ServerSentEvent, format_sse_event
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from fastapi_esdb.api.arguments import start_in_all
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION

logger = logging.getLogger("fastapi_esdb")

HEARTBEAT = 15.0
"""Seconds without an event after which a comment is sent, which keeps the connections of proxies open."""

Encode = Callable[[RecordedEvent], ServerSentEvent | None]


def last_revision(last_event_id: Annotated[int | None, Header(ge=0, le=MAX_REVISION)] = None) -> int | Edge:
    """The revision in `Last-Event-ID`, START without one. What is no revision is refused with 422."""
    return START if last_event_id is None else last_event_id


def last_position(last_event_id: Annotated[str | None, Header()] = None) -> Position | Edge:
    """The position in `Last-Event-ID`, START without one. What is no position is refused with 422."""
    if last_event_id is None:
        return START
    try:
        return start_in_all(Position.parse(last_event_id), "Last-Event-ID")
    except InvalidArgument as error:
        raise HTTPException(422, "Last-Event-ID must be a position like C:1788/P:1788") from error


LastRevision = Annotated[int | Edge, Depends(last_revision)]
LastPosition = Annotated[Position | Edge, Depends(last_position)]


def sent(event: RecordedEvent) -> ServerSentEvent:
    """An event as it is sent unless the endpoint has a way of its own: its type, and its data as it is stored.

    Data that is not JSON is encoded in base 64.
    """
    data = event.data.decode(errors="replace") if event.content_type == JSON else b64encode(event.data).decode()
    return ServerSentEvent(event=" ".join(event.type.splitlines()), raw_data=data)


class EventStream(StreamingResponse):
    """An answer that follows events: what an endpoint returns for a browser's `EventSource`.

        @app.get("/orders/{order_id}/live", response_class=EventStream)
        async def live(order_id: str, esdb: EsdbDep, after: LastRevision) -> EventStream:
            return await EventStream.of(esdb.subscribe(f"order-{order_id}", after=after))

    The id of each event is its revision, of a subscription to `$all` its position. A browser that lost its connection
    sends the last one back as `Last-Event-ID`, which `LastRevision` and `LastPosition` read.

    The subscription ends when the client leaves, and the answer when the server begins to stop or the connection to
    EventStoreDB is closed on purpose. Every 15 seconds without an event a comment is sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self, subscription: Subscription[Any], encode: Encode = sent, status_code: int = 200, *, retry: float = 1.0
    ) -> None:
        """Made by `of`, which has the subscription opened."""
        self._subscription = subscription
        self._encode = encode
        self._retry = retry
        super().__init__(self._body(), status_code, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    @classmethod
    async def of(cls, subscription: Subscription[Any], encode: Encode = sent, *, retry: float = 1.0) -> Self:
        """Open the subscription, and return the answer. Raises what hinders it, while there is time for a status.

        `encode` makes of an event what is sent, or `None` for one that is not; an id that it leaves out is filled in.
        `retry` is the seconds after which a browser comes back when the answer has ended.
        """
        await subscription.__aenter__()
        return cls(subscription, encode, retry=retry)

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        async with self._subscription, anyio.create_task_group() as tasks:
            tasks.start_soon(self._leave, receive, tasks.cancel_scope)
            with suppress(OSError):  # how servers tell that the client has gone
                await self.stream_response(send)
            tasks.cancel_scope.cancel()
        if self.background is not None:
            await self.background()

    async def _leave(self, receive: Receive, answering: anyio.CancelScope) -> None:
        await self.listen_for_disconnect(receive)
        answering.cancel()

    async def _body(self) -> AsyncIterator[bytes]:
        yield format_sse_event(retry=round(self._retry * 1000))
        try:
            while chunk := await self._next():
                yield chunk
        except ConnectionClosed:
            return
        except EsdbError as error:
            logger.warning("server-sent events end after %r: %s", self._subscription.checkpoint, error)

    async def _next(self) -> bytes:
        """The next event that is to be sent, a comment if there is none for a while; nothing at the end."""
        try:
            async with asyncio.timeout(HEARTBEAT):
                async for event in self._subscription:
                    if encoded := self._encoded(event):
                        return encoded
        except TimeoutError:
            return KEEPALIVE_COMMENT
        return b""

    def _encoded(self, event: RecordedEvent) -> bytes:
        encoded = self._encode(event)
        if encoded is None:
            return b""
        data = encoded.raw_data
        if data is None and encoded.data is not None:
            data = to_json(encoded.data).decode()
        given = encoded.id if encoded.id is not None else str(self._subscription.checkpoint)
        return format_sse_event(
            data_str=data, event=encoded.event, id=given, retry=encoded.retry, comment=encoded.comment
        )
