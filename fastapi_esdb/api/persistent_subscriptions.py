"""Persistent subscriptions: consumer groups, whose progress the server keeps."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import ConnectionPart, Options, write
from fastapi_esdb.api.consuming import Consumer
from fastapi_esdb.api.decoding import EventDecoder, Item, decoder
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.methods import (
    CREATE_GROUP,
    DELETE_GROUP,
    GROUP_INFO,
    LIST_GROUPS,
    REPLAY_PARKED,
    RESTART_GROUPS,
    TRUNCATE_PARKED,
    UPDATE_GROUP,
)
from fastapi_esdb.wire.groups.values import (
    CreateGroup,
    GroupInfo,
    GroupName,
    GroupReadOptions,
    GroupSettings,
    ListGroups,
    ReplayParked,
    TruncateParked,
    UpdateGroup,
)
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.values import ALL

if TYPE_CHECKING:
    from fastapi_esdb.settings.credentials import AnyCredentials

DEFAULT_SETTINGS = GroupSettings()


class PersistentSubscriptions(ConnectionPart):
    """The consumer groups of streams and of `$all`, which is named `"$all"` here.

    All but `consume`, `info` and `list` need the rights of an operator. Every call takes the `Options` that all calls
    take, and raises what they raise; groups are written down with `InvalidArgument`, `GroupExists`, `GroupNotFound`,
    `GroupFailed` (settings that the server refuses) and `OutcomeUnknown` (the answer was lost).
    """

    async def create(
        self,
        stream: str,
        group: str,
        settings: GroupSettings = DEFAULT_SETTINGS,
        *,
        start: arguments.AnyStart,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        **options: Unpack[Options],
    ) -> None:
        """Add a group that begins at `start`, which is included.

        That is a revision or an event of the stream, of `$all` a position or an event, `START` for all that there is,
        `END` for what is written from now on. `filter` (see `fastapi_esdb.filters`) is for `$all`; it can't be an
        index, since a group over one gets no events.
        """
        source = arguments.source_to_read(stream)
        chosen_filter = _no_index(arguments.filter_of(source, filter))
        begins_at = arguments.start(start, source, "start")
        request = CreateGroup(source, _group(group), _settings(settings), begins_at, chosen_filter)
        await write(self._carrier, CREATE_GROUP, request, _subject(stream, group), CallOptions.of(**options))

    async def update(
        self,
        stream: str,
        group: str,
        settings: GroupSettings = DEFAULT_SETTINGS,
        *,
        start: arguments.AnyStart,
        **options: Unpack[Options],
    ) -> None:
        """Replace all settings of a group. Its consumers are dropped and come back by themselves.

        `start` is as in `create`, and counts only where no progress was written yet; the filter of a group cannot be
        changed.
        """
        source = arguments.source(stream)
        request = UpdateGroup(source, _group(group), _settings(settings), arguments.start(start, source, "start"))
        await write(self._carrier, UPDATE_GROUP, request, _subject(stream, group), CallOptions.of(**options))

    async def delete(self, stream: str, group: str, **options: Unpack[Options]) -> None:
        """Remove a group, its progress and its parked events."""
        request = GroupName(arguments.source(stream), _group(group))
        await write(self._carrier, DELETE_GROUP, request, _subject(stream, group), CallOptions.of(**options))

    async def info(self, stream: str, group: str, **options: Unpack[Options]) -> GroupInfo:
        """Return the settings, the progress and the consumers of a group."""
        return await self._carrier.call(
            GROUP_INFO, GroupName(arguments.source(stream), _group(group)), CallOptions.of(**options)
        )

    async def list(self, stream: str | None = None, **options: Unpack[Options]) -> tuple[GroupInfo, ...]:
        """Return all groups, or those of one stream (`GroupNotFound` where it has none)."""
        source = None if stream is None else arguments.source(stream) or ALL
        return await self._carrier.call(LIST_GROUPS, ListGroups(source), CallOptions.of(**options))

    async def replay_parked(
        self, stream: str, group: str, *, stop_at: int | None = None, **options: Unpack[Options]
    ) -> None:
        """Hand out the parked events again: all, or those before revision `stop_at` of the stream they are parked in.

        Returns before the server is done with it. Of parked events, 0 has the server replay none, now or later: it
        takes that for a replay that goes on (protocol 6.6).
        """
        request = ReplayParked(arguments.source(stream), _group(group), _bound(stop_at))
        await write(self._carrier, REPLAY_PARKED, request, _subject(stream, group), CallOptions.of(**options))

    async def truncate_parked(
        self, stream: str, group: str, *, stop_at: int | None = None, **options: Unpack[Options]
    ) -> None:
        """Drop the parked events: all, or those before revision `stop_at` of the stream they are parked in.

        Returns before the server is done with it. Server 26.1.1 or newer. Raises `GroupFailed` while a replay goes on.
        """
        request = TruncateParked(arguments.source(stream), _group(group), _bound(stop_at))
        await write(self._carrier, TRUNCATE_PARKED, request, _subject(stream, group), CallOptions.of(**options))

    async def restart(self, **options: Unpack[Options]) -> None:
        """Restart the server's subsystem of persistent subscriptions; all consumers are dropped and come back."""
        await write(self._carrier, RESTART_GROUPS, None, "the persistent subscriptions", CallOptions.of(**options))

    def consume(
        self,
        stream: str,
        group: str,
        *,
        buffer: int = 10,
        types: EventDecoder[Item] | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
    ) -> Consumer[Item]:
        """Take part in a group: `async with esdb.persistent_subscriptions.consume(...) as events: ...`.

        `buffer` is how many events may be under way to this consumer, or wait for its answer, at a time. With
        `types` it gives events of your classes, see `EventTypes`. Raises `InvalidArgument`; the rest is raised by the
        consumer.
        """
        arguments.whole_number(buffer, "buffer", least=1, most=arguments.INT32)
        request = GroupReadOptions(arguments.source(stream), _group(group), buffer)
        options = CallOptions.of(None, credentials, requires_leader)
        return self._stop.ends(Consumer(self._carrier, request, options, decoder(types)))


def _no_index(chosen: EventFilter | None) -> EventFilter | None:
    """Refuse an index: servers take its name for the beginning of stream names, and there are no such streams."""
    if chosen and chosen.index:
        raise InvalidArgument(
            f"filter: a persistent subscription can't have the index {chosen.index!r}: up to 26.1 servers take that "
            "for the beginning of stream names and never deliver an event. Use filters.by_stream or filters.by_type, "
            "or follow the index with subscribe_all"
        )
    return chosen


def _group(group: str) -> str:
    return arguments.text(group, "group")


def _settings(settings: GroupSettings) -> GroupSettings:
    arguments.instance(settings, GroupSettings, "settings")
    for field in fields(settings):
        if field.type == "int":
            name, value = f"settings.{field.name}", getattr(settings, field.name)
            arguments.whole_number(value, name, least=0, most=arguments.INT32)
    arguments.text(settings.strategy, "settings.strategy")
    return settings


def _subject(stream: str, group: str) -> str:
    return f"{stream}::{group}"


def _bound(stop_at: int | None) -> int | None:
    return None if stop_at is None else arguments.whole_number(stop_at, "stop_at", least=0, most=MAX_REVISION)
