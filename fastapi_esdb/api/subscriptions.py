"""Subscribing to a stream and to `$all`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from fastapi_esdb.api import arguments
from fastapi_esdb.api.arguments import Place, PlaceInAll, PlaceInStream
from fastapi_esdb.api.calls import Calls, call_options
from fastapi_esdb.api.subscription import Subscription
from fastapi_esdb.wire.events.values import START, Position
from fastapi_esdb.wire.groups.values import ALL
from fastapi_esdb.wire.streams.values import ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.settings.credentials import Credentials
    from fastapi_esdb.settings.node_preference import NodePreference
    from fastapi_esdb.wire.streams.values import EventFilter


class Subscriptions(Calls):
    """Catch-up subscriptions: history first, then what happens."""

    @overload
    def subscribe(  # type: ignore[overload-overlap]  # of all texts, this one has positions
        self,
        stream: Literal["$all"],
        *,
        after: PlaceInAll = START,
        filter: EventFilter | None = None,
        resolve_links: bool = False,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[Position]: ...
    @overload
    def subscribe(
        self,
        stream: str,
        *,
        after: PlaceInStream = START,
        resolve_links: bool = False,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[int]: ...
    def subscribe(
        self,
        stream: str,
        *,
        after: Place = START,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[int] | Subscription[Position]:
        """Follow a stream, which need not exist yet, or `"$all"`, as `subscribe_all` does.

        `after` is the last event that is already known, or its revision; `START` gives everything, `END` only what
        is written from now on. With `resolve_links` a link is given as the event it points at.
        Raises `InvalidArgument`; the rest is raised by the subscription.
        """
        source = arguments.source(stream)
        request = ReadRequest(
            stream=source,
            start=arguments.place(after, source, "after"),
            subscribe=True,
            resolve_links=resolve_links,
            filter=arguments.filter_of(source, filter),
        )
        options = call_options(None, credentials, requires_leader, read_preference)
        return self._stop.ends(Subscription(self._carrier, request, options))

    def subscribe_all(
        self,
        *,
        after: PlaceInAll = START,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[Position]:
        """Follow all streams, or the events that `filter` lets through (see `fastapi_esdb.filters`).

        `after` is the last event that is already known, or its position, or a `Checkpoint`; `START` gives everything,
        `END` only what is written from now on. Raises `InvalidArgument`; the rest is raised by the subscription.
        """
        return self.subscribe(
            ALL,
            after=after,
            filter=filter,
            resolve_links=resolve_links,
            credentials=credentials,
            requires_leader=requires_leader,
            read_preference=read_preference,
        )
