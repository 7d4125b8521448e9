"""Appending to streams, reading and deleting them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.api.appending import Append, mark_sent, send_append
from fastapi_esdb.api.calls import ConnectionPart, write
from fastapi_esdb.api.decoding import EventDecoder, Item, decoder
from fastapi_esdb.api.proposing import Appendable, proposed
from fastapi_esdb.api.reading import Read, last_revision
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Position
from fastapi_esdb.wire.revisions import ANY, Expected, StreamState
from fastapi_esdb.wire.streams.methods import DELETE, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    ALL,
    AppendResult,
    DeleteRequest,
    DeleteResult,
    NothingAppended,
    ReadRequest,
)

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Options
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.settings.credentials import AnyCredentials
    from fastapi_esdb.wire.method import Method


class Streams(ConnectionPart):
    """Streams of events."""

    async def append(
        self,
        stream: str,
        events: Appendable | Iterable[Appendable],
        expected: Expected = ANY,
        *,
        retry_unknown: bool | None = None,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
    ) -> AppendResult:
        """Write events to the end of a stream, all of them or none: `NewEvent`s, or objects of registered classes.

        `expected` says where the stream must be: at a revision (that of its last event), `NO_STREAM`,
        `STREAM_EXISTS`, or `ANY`. Without events only that is checked, and the answer is `NothingAppended`.

        Where the answer is lost, the stream is looked at, and the events are sent again if they are not there, so
        that they are stored once whatever is expected. `retry_unknown=False` raises `AppendOutcomeUnknown` instead;
        left out, the settings decide.

        Returns the stream's new last revision and the position of the write.

        Raises:
            InvalidArgument: an argument can't be; nothing was sent.
            WrongExpectedRevision: the stream is elsewhere; nothing was written.
            StreamDeleted: the stream is tombstoned.
            MaximumAppendSizeExceeded, MaximumEventSizeExceeded: too large for the server.
            AppendOutcomeUnknown: whether it happened could not be found out by the deadline, or at all; the error
                has the ids, and what was found out.
        """
        stream, given = arguments.stream_name(stream), proposed(events)
        append = Append(stream, arguments.expected_revision(expected), given, mark_sent(given))
        options = CallOptions.of(timeout, credentials, requires_leader)
        result = await send_append(self._carrier, append, options, retry_unknown)
        return result if given else NothingAppended(result.revision, None)

    def read(
        self,
        stream: str,
        *,
        start: arguments.AnyStart | None = None,
        backwards: bool = False,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        missing_ok: bool = False,
        types: EventDecoder[Item] | None = None,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Read[Item]:
        """Read a stream from `start` on: a revision or an event, which is included; by default its first event.

        `backwards` reads from the newest event, or from `start`, to the first one. `limit` bounds the number of
        events. With `resolve_links` a link is given as the event it points at. `"$all"` is read as `read_all` does,
        with a `filter` if you like. The result is iterated, or awaited as `await esdb.read(...).to_list()`; it raises
        `StreamNotFound` then, unless that is `missing_ok` and the same as no events, and `StreamDeleted`.
        With `types` (see `EventTypes`) it gives an `Event` with its data of the registered class for each, and raises
        `UnreadableEvent`. Raises `InvalidArgument`.
        """
        source = arguments.source_to_read(stream)
        direction, edge = (BACKWARDS, END) if backwards else (FORWARDS, START)
        begin = edge if start is None else arguments.start(start, source, "start")
        most, chosen = arguments.limit_of_events(limit), arguments.filter_of(source, filter)
        request = ReadRequest(source, begin, direction, most, False, resolve_links, chosen)
        options = CallOptions.of(timeout, credentials, requires_leader, read_preference)
        return Read(self._carrier, request, options, missing_ok, decoder(types))

    def read_all(
        self,
        *,
        start: arguments.StartInAll | None = None,
        backwards: bool = False,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        types: EventDecoder[Item] | None = None,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> Read[Item]:
        """Read all streams in the order of their writes, from `start` on: a position or an event.

        Forwards the event at `start` is included, backwards it is not. `filter` lets only some events through (see
        `fastapi_esdb.filters`); `limit` counts these. `types` are as in `read`. Raises `InvalidArgument`.
        """
        return self.read(
            ALL,
            start=start,
            backwards=backwards,
            limit=limit,
            filter=filter,
            resolve_links=resolve_links,
            types=types,
            timeout=timeout,
            credentials=credentials,
            requires_leader=requires_leader,
            read_preference=read_preference,
        )

    async def last_revision(
        self, stream: str, *, read_preference: NodePreference | None = None, **options: Unpack[Options]
    ) -> int | Literal[StreamState.NO_STREAM]:
        """Return the revision of a stream's last event, or `NO_STREAM` where it has none or is deleted.

        Either can be expected by an append. Raises `StreamDeleted` for a tombstoned stream.
        """
        chosen = CallOptions.of(**options, read_preference=read_preference)
        found = await last_revision(self._carrier, arguments.stream_name(stream), chosen)
        return StreamState.NO_STREAM if found is None else found

    async def delete(
        self,
        stream: str,
        expected: Expected = ANY,
        *,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
    ) -> Position | None:
        """Delete a stream so that it can be written again; its revisions go on where they were.

        Its metadata goes, too: limits, access list, custom values. Returns the position of the deletion.
        Raises `WrongExpectedRevision` (also for a stream that does not exist, whatever is expected),
        `StreamDeleted`, `InvalidArgument`, and `OutcomeUnknown` where the answer is lost.
        """
        return await self._remove(DELETE, stream, expected, CallOptions.of(timeout, credentials, requires_leader))

    async def tombstone(
        self,
        stream: str,
        expected: Expected = ANY,
        *,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
    ) -> Position | None:
        """Delete a stream for good: its name can never be used again.

        Returns the position of the tombstone. Raises as `delete` does; a missing stream can be tombstoned.
        """
        return await self._remove(TOMBSTONE, stream, expected, CallOptions.of(timeout, credentials, requires_leader))

    async def _remove(
        self,
        method: Method[DeleteRequest, DeleteResult],
        stream: str,
        expected: Expected,
        options: CallOptions,
    ) -> Position | None:
        request = DeleteRequest(arguments.stream_name(stream), arguments.expected_revision(expected))
        return (await write(self._carrier, method, request, stream, options)).position
