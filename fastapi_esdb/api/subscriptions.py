"""Catch-up subscriptions: subscribing to a stream and to `$all`, and the subscription as its reader sees it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, cast, overload

from fastapi_esdb.api import arguments
from fastapi_esdb.api.arguments import AnyStart, StartInAll, StartInStream
from fastapi_esdb.api.calls import ConnectionPart
from fastapi_esdb.api.decoding import EventDecoder, Item, decoder
from fastapi_esdb.api.iteration import View
from fastapi_esdb.api.resuming import ResumingIteration
from fastapi_esdb.api.subscribing import Between, Following
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.errors import UnreadableEvent
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.streams.values import ALL, ReadFrame, ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.settings.credentials import AnyCredentials
    from fastapi_esdb.wire.events.values import EventFilter


Where = TypeVar("Where", int, Position)
"""What a checkpoint is: a revision in a stream, a position in `$all`."""


class Subscription(ResumingIteration[ReadFrame, Item], Generic[Where, Item]):
    """The events of a stream or of `$all`, from a revision or position on and without end.

    `async for event in subscription` gives the events, `messages()` everything. Entering the context opens it, so
    that its errors show there and nothing written from then on is missed; without a context the first event opens
    it. Leaving the context, or the loop once nothing refers to the subscription, ends the call on the server. A
    cancellation does not: after `asyncio.timeout` around `anext()`, or around a loop, the next event is still to come.

    It goes on by itself after the connection was lost, exactly after the last event it gave: none is missed, none
    comes twice. It ends with `SubscriptionClosed` when the connection is closed on purpose, and with the server's
    error when trying again can't help (`StreamDeleted`, `AccessDenied`; `NotAuthenticated` after 10 s, in which the
    node may be starting). Until it is confirmed for the first time it raises like any other call. Its reader sets
    the pace: nothing is fetched far ahead of it.
    """

    _instead = "`async with esdb.subscribe(...) as events`"

    def __init__(
        self, carrier: Carrier, request: ReadRequest, options: CallOptions, types: EventDecoder[Item] | None = None
    ) -> None:
        self._following = Following(carrier, request, options)
        super().__init__(self._following, types)

    @property
    def checkpoint(self) -> Where | Edge:
        """The revision or position to go on from another time: `subscribe(..., after=checkpoint)`.

        It is that of the last event given, with a filter also of what was searched since; before the first event it
        is where the subscription began.
        """
        return cast("Where | Edge", self._following.cursor.after)

    @property
    def is_live(self) -> bool:
        """True while all there was has been given, and events come as they are written.

        It is not where the server has come back with fewer events and the subscription waits behind their end, which
        is also logged: see `checkpoint`.
        """
        return self._following.is_live and not self._following.beyond_end.holds

    @property
    def id(self) -> str:
        """The server's name for the current call, empty before the first one is confirmed."""
        return self._following.id

    def messages(self) -> View[Item | Between]:
        """Return another way to go through it: events and, between them, `Checkpoint`, `CaughtUp` and `FellBehind`.

        `FellBehind` also says that a live subscription has lost its connection and will go on.
        """
        return View(self, self._message)

    def batches(self) -> View[list[Item]]:
        """Return another way to go through it: lists of the events that have arrived.

        There are many in a list while it catches up, and mostly one when it is live.

        `checkpoint` is then that of the last event of the list.
        """
        return View(self, self._events)

    def _message(self, frames: deque[ReadFrame]) -> Item | Between | None:
        if isinstance(frames[0], RecordedEvent):
            return self._take(frames)
        noted = self._following.noted(frames.popleft())
        return noted if isinstance(noted, Between) else None

    def _events(self, frames: deque[ReadFrame]) -> list[Item] | None:
        if self._types is None:
            noted = [self._following.noted(frame) for frame in frames]
            frames.clear()
            return cast("list[Item]", [found for found in noted if isinstance(found, RecordedEvent)]) or None
        return self._items(frames)

    def _items(self, frames: deque[ReadFrame]) -> list[Item] | None:
        items: list[Item] = []
        while frames:
            first = frames[0]
            try:
                item = self._take(frames)
            except UnreadableEvent:
                if not items:
                    raise
                frames.appendleft(first)  # it is for the next one who asks
                break
            if item is not None:
                items.append(item)
        return items or None


class Subscriptions(ConnectionPart):
    """Catch-up subscriptions: history first, then what happens."""

    @overload
    def subscribe(  # type: ignore[overload-overlap]  # of all texts, this one has positions
        self,
        stream: Literal["$all"],
        *,
        after: StartInAll = START,
        filter: EventFilter | None = None,
        resolve_links: bool = False,
        types: EventDecoder[Item] | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[Position, Item]: ...
    @overload
    def subscribe(
        self,
        stream: str,
        *,
        after: StartInStream = START,
        resolve_links: bool = False,
        types: EventDecoder[Item] | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[int, Item]: ...
    def subscribe(
        self,
        stream: str,
        *,
        after: AnyStart = START,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        types: EventDecoder[Item] | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[int, Item] | Subscription[Position, Item]:
        """Follow a stream, which need not exist yet, or `"$all"`, as `subscribe_all` does.

        `after` is the last event that is already known, or its revision; `START` gives everything, `END` only what
        is written from now on. With `resolve_links` a link is given as the event it points at. With
        `types` it gives events of your classes, see `EventTypes`: one that can't be read is raised as `UnreadableEvent`
        where it stands, and whoever asks again gets the next one.
        Raises `InvalidArgument`; the rest is raised by the subscription.
        """
        source = arguments.source_to_read(stream)
        request = ReadRequest(
            stream=source,
            start=arguments.start(after, source, "after"),
            subscribe=True,
            resolve_links=resolve_links,
            filter=arguments.filter_of(source, filter),
        )
        options = CallOptions.of(None, credentials, requires_leader, read_preference)
        return self._stop.ends(Subscription(self._carrier, request, options, decoder(types)))

    def subscribe_all(
        self,
        *,
        after: StartInAll = START,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        types: EventDecoder[Item] | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[Position, Item]:
        """Follow all streams, or the events that `filter` lets through (see `fastapi_esdb.filters`).

        `after` is the last event that is already known, or its position, or a `Checkpoint`; `START` gives everything,
        `END` only what is written from now on. Raises `InvalidArgument`; the rest is raised by the subscription.
        """
        return self.subscribe(
            ALL,
            after=after,
            filter=filter,
            resolve_links=resolve_links,
            types=types,
            credentials=credentials,
            requires_leader=requires_leader,
            read_preference=read_preference,
        )
