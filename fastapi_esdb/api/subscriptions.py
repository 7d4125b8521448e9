"""Subscribing to a stream and to `$all`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import Calls, call_options
from fastapi_esdb.api.subscription import Subscription
from fastapi_esdb.wire.records import START, Edge, Position
from fastapi_esdb.wire.requests import ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.settings.credentials import Credentials
    from fastapi_esdb.settings.node_preference import NodePreference
    from fastapi_esdb.wire.requests import EventFilter


class Subscriptions(Calls):
    """Catch-up subscriptions: history first, then what happens."""

    def subscribe(
        self,
        stream: str,
        *,
        after: int | Edge = START,
        resolve_links: bool = False,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[int]:
        """Follow a stream, which need not exist yet.

        `after` is the revision of the last event that is already known; `START` gives everything, `END` only what
        is written from now on. With `resolve_links` a link is given as the event it points at.
        Raises `InvalidArgument`; the rest is raised by the subscription.
        """
        request = ReadRequest(
            stream=arguments.stream_name(stream),
            start=arguments.place_in_stream(after, "after"),
            subscribe=True,
            resolve_links=resolve_links,
        )
        options = call_options(None, credentials, requires_leader, read_preference)
        return self._stop.ends(Subscription(self._carrier, request, options))

    def subscribe_all(
        self,
        *,
        after: Position | Edge = START,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Subscription[Position]:
        """Follow all streams, or the events that `filter` lets through (see `fastapi_esdb.filters`).

        `after` is the position of the last event that is already known; `START` gives everything, `END` only what
        is written from now on. Raises `InvalidArgument`; the rest is raised by the subscription.
        """
        request = ReadRequest(
            stream=None,
            start=arguments.place_in_all(after, "after"),
            subscribe=True,
            resolve_links=resolve_links,
            filter=arguments.event_filter(filter),
        )
        options = call_options(None, credentials, requires_leader, read_preference)
        return self._stop.ends(Subscription(self._carrier, request, options))
