"""One subscription for all who follow the same events: each is read and encoded once, however many listen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

import anyio
from fastapi import WebSocket, WebSocketDisconnect, status
from fastapi.sse import KEEPALIVE_COMMENT
from starlette.websockets import WebSocketState

from fastapi_esdb.api import arguments
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.consumers.sources import Place
from fastapi_esdb.plugin.encoding import Encode, Shown, sent
from fastapi_esdb.plugin.feed import Feed, Rank, Source, place_of_rank, rank
from fastapi_esdb.plugin.socket_stream import until_left
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.positions import END, START

MOST_BYTES = 64 * 1024
"""Bytes that are handed to the server of the app at a time, which is what it buffers by itself."""


class FanOut:
    """Has all who follow the same events share one subscription, one decoding and one encoding.

        live = FanOut()

        @app.get("/orders/{order_id}/live", response_class=EventStream)
        async def follow(order_id: str, esdb: EsdbDep, after: LastRevision) -> EventStream:
            return await EventStream.of(live.listen(esdb, f"order-{order_id}", after=after))

    The last `kept` events (1,000) of each source are held in memory. Who begins before them reads what is older by
    itself and joins then. Who is so slow that events are gone before it has got them is dropped: a browser comes back
    with the id of its last event, and goes on without a gap.

    The subscription is made with the rights of the app's own user; it ends when the last listener leaves. `encode`
    makes of an event what is sent, or `None` for one that is not. Raises `InvalidArgument`.
    """

    def __init__(self, encode: Encode = sent, *, kept: int = 1_000) -> None:
        self._encode = encode
        self._kept = arguments.whole_number(kept, "kept", least=1, most=arguments.INT32)
        self._feeds: dict[object, Feed] = {}

    def listen(
        self,
        esdb: Connection,
        stream: str,
        *,
        after: Place = START,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
    ) -> Listener:
        """Return a listener to a stream or `"$all"`, with the arguments of `subscribe`, for `EventStream.of`.

        Raises `InvalidArgument`; what else may hinder it is raised when it is opened.
        """
        source = arguments.source_to_read(stream)
        arguments.start(after, source, "after")
        arguments.filter_of(source, filter)
        return Listener(self, Source(esdb, stream, filter, resolve_links), after)

    def _feed(self, source: Source) -> Feed:
        """The feed of a source, which begins with its first listener."""
        feed = self._feeds.get(source.key)
        if feed is None or feed.is_over:
            feed = self._feeds[source.key] = Feed(source, self._encode, self._kept)
        return feed

    def _end(self, feed: Feed) -> None:
        if self._feeds.get(feed.source.key) is feed:
            del self._feeds[feed.source.key]

    def __len__(self) -> int:
        return len(self._feeds)


class Listener:
    """One who follows a source that is shared: what `EventStream.of` and `send_to` take."""

    def __init__(self, fan_out: FanOut, source: Source, after: Place) -> None:
        self._fan_out = fan_out
        self._source = source
        self._feed: Feed | None = None
        self._place = after
        self._number: int | None = None
        self._at_hand: list[Shown] = []
        self.is_dropped = False
        """True once it was too slow, and events were gone before it had got them."""

    async def __aenter__(self) -> Self:
        """Join the others, unless it has. Raises what hinders it."""
        if self._feed is not None:
            return self
        feed = self._feed = self._fan_out._feed(self._source)
        feed.listeners += 1
        try:
            await asyncio.shield(feed.opened)
            if self._place is END:
                self._place, self._number = START, feed.end
            else:
                self._at_hand = await self._past(feed)
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.leave()
            if feed.is_over or not feed.listeners:
                self._fan_out._end(feed)

    async def next(self, wait: float) -> Sequence[Shown] | None:
        """Return the events that come next: none where nothing came in `wait` seconds, `None` at the end."""
        feed = self._feed
        if feed is None:
            return None
        if self._at_hand:
            shown, self._at_hand = self._at_hand, []
            return shown
        if self._number is None and (shown := await self._past(feed)):
            return shown
        return await self._present(feed, wait)

    async def _past(self, feed: Feed) -> list[Shown]:
        """Return the next events that are older than those at hand; none once it has joined the others."""
        while (number := feed.number_after(rank(self._place))) is None:
            covered = feed.floor
            events = await self._source.page(self._place)
            if events:
                self._place = self._source.place_of(events[-1])
                encode, place_of = self._fan_out._encode, self._source.place_of
                return [Shown(str(place_of(event)), encode(event)) for event in events]
            self._place = place_of_rank(covered)
        self._number = number
        return []

    async def _present(self, feed: Feed, wait: float) -> Sequence[Shown] | None:
        number = feed.end if self._number is None else self._number
        while True:
            found = feed.since(number)
            if found is None:
                self.is_dropped = True
                return None
            self._number = number = number + len(found)
            if shown := self._unread(found):
                return shown
            if feed.is_over:
                return None
            if not await feed.wait(wait):
                return []

    def _unread(self, found: Sequence[tuple[Rank, Shown]]) -> Sequence[Shown]:
        """Those behind the last one that it has read by itself: reads may be ahead of the subscription."""
        seen = rank(self._place)
        return [shown for place, shown in found if place > seen]

    async def chunk(self, wait: float) -> bytes:
        """Return what a browser is sent next: events, or a comment where none came; nothing at the end."""
        while (shown := await self.next(wait)) is not None:
            if not shown:
                return KEEPALIVE_COMMENT
            if chunk := self._cut(shown):
                return chunk
        return b""

    def _cut(self, shown: Sequence[Shown]) -> bytes:
        """As many as are sent at a time; the others are next."""
        parts: list[bytes] = []
        size = 0
        for index, one in enumerate(shown):
            parts.append(one.as_sse)
            size += len(one.as_sse)
            if size > MOST_BYTES:
                self._at_hand = [*shown[index + 1 :], *self._at_hand]
                break
        return b"".join(parts)

    async def send_to(self, websocket: WebSocket) -> None:
        """Send the events to a WebSocket as they come, each as JSON with `id`, `event` and `data`, until it is left.

        It is accepted once the events are at hand; what hinders that is raised before. It is closed with 1001 when the
        server stops, and with 1013 where the client shall come back: since it was too slow, or the connection to
        EventStoreDB was closed. What it sends meanwhile is dropped.
        """
        async with self:
            await websocket.accept()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_left, websocket, tasks.cancel_scope)
                with suppress(TimeoutError, WebSocketDisconnect):
                    await self._send_all(websocket)
                tasks.cancel_scope.cancel()
            if websocket.client_state is WebSocketState.CONNECTED:
                await self._close(websocket)

    async def _close(self, websocket: WebSocket) -> None:
        code = status.WS_1001_GOING_AWAY if self._source.stop.is_set else status.WS_1013_TRY_AGAIN_LATER
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):  # it has closed, or takes nothing
            async with asyncio.timeout(SLOW):
                await websocket.close(code)

    async def _send_all(self, websocket: WebSocket) -> None:
        while (shown := await self.next(QUIET)) is not None:
            for one in shown:
                if one.as_json:
                    async with asyncio.timeout(SLOW):
                        await websocket.send_text(one.as_json)


QUIET = 60.0
"""Seconds after which a listener to a WebSocket looks around although nothing came; servers send pings themselves."""

SLOW = 30.0
"""Seconds that a client may take for what it is sent, before it is dropped."""


async def _left(websocket: WebSocket, sending: anyio.CancelScope) -> None:
    """End the sending when the client leaves."""
    await until_left(websocket)
    sending.cancel()
