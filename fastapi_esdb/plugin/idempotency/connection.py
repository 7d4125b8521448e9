"""The connection of a request with a key: each of its appends is made once, however often the request is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.api.atomic_appends import StreamAppend
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.deciders.decider import Folding, State
from fastapi_esdb.api.deciders.decisions import ATTEMPTS, Decided, Loaded
from fastapi_esdb.api.deciders.folding import Until
from fastapi_esdb.api.deciders.state_cache import Folded, Revision
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.proposing import Appendable, propose, proposed
from fastapi_esdb.plugin.idempotency.journal import Found, Journal, Part, Parts
from fastapi_esdb.plugin.threads import HandedOn
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.wire.errors import ConsistencyViolation, InvalidArgument, NotSupported, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, NO_STREAM, STREAM_EXISTS, Expected, StreamState
from fastapi_esdb.wire.streams.values import AppendResult
from fastapi_esdb.wire.streams_v2.values import DeletedState, StreamsAppended

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Options
    from fastapi_esdb.settings.credentials import AnyCredentials, CredentialsProvider

Write = Callable[[NewEvent, Expected], Awaitable[StreamsAppended]]
"""An append together with an entry of the journal, which must be at that revision."""


class OnceConnection(Connection):
    """Appends and decides as `Connection` does, and once only: `append`, `append_streams`, `append_records`, `decide`.

    Where an append was made before, by the same request, its events are looked up and it answers as it did then. States
    that are loaded for it are those of then, and functions that have decided are not called again.
    """

    journal: Callable[[], Journal | None] = staticmethod(lambda: None)
    """Gives the journal of the request's key, once that is read."""

    def bound(
        self,
        *,
        credentials: AnyCredentials | CredentialsProvider | None = None,
        timeout: float | None = None,
        requires_leader: bool | None = None,
    ) -> Self:
        """Return a view that appends under the same key; see `Connection.bound`."""
        view = super().bound(credentials=credentials, timeout=timeout, requires_leader=requires_leader)
        view.journal = self.journal
        return view

    async def append(
        self,
        stream: str,
        events: Appendable | Iterable[Appendable],
        expected: Expected = ANY,
        *,
        retry_unknown: bool | None = None,
        **options: Unpack[Options],
    ) -> AppendResult:
        """See `Connection.append`."""
        given, journal = proposed(events), self.journal()
        if journal is None or not given:
            return await super().append(stream, given, expected, retry_unknown=retry_unknown, **options)
        parts = {arguments.stream_name(stream): _part(given, arguments.expected_revision(expected))}

        async def write(entry: NewEvent, revision: Expected) -> StreamsAppended:
            both = [StreamAppend(journal.stream, entry, revision), StreamAppend(stream, given, expected)]
            return await Connection.append_streams(self, both, retry_unknown=retry_unknown, **options)

        async def write_before() -> StreamsAppended:
            return await self._append_after_entry(journal, stream, given, expected, options)

        result = await self._once(journal, parts, write, write_before)
        return AppendResult(result.revisions[stream], result.position)

    async def append_streams(
        self, appends: Iterable[StreamAppend], *, retry_unknown: bool | None = None, **options: Unpack[Options]
    ) -> StreamsAppended:
        """See `Connection.append_streams`."""
        several, journal = list(appends), self.journal()
        if journal is None:
            return await super().append_streams(several, retry_unknown=retry_unknown, **options)
        given = [replace(one, events=proposed(one.events)) for one in several]

        async def write(entry: NewEvent, revision: Expected) -> StreamsAppended:
            all_of_them = [StreamAppend(journal.stream, entry, revision), *given]
            return await Connection.append_streams(self, all_of_them, retry_unknown=retry_unknown, **options)

        parts = {one.stream: _part(proposed(one.events), one.expected) for one in given}
        return await self._once(journal, parts, write)

    async def append_records(
        self,
        records: Iterable[tuple[str, Appendable]],
        *,
        checks: Mapping[str, Expected | DeletedState] | None = None,
        retry_unknown: bool | None = None,
        **options: Unpack[Options],
    ) -> StreamsAppended:
        """See `Connection.append_records`."""
        several, journal = list(records), self.journal()
        if journal is None:
            return await super().append_records(several, checks=checks, retry_unknown=retry_unknown, **options)
        given = [(stream, propose(event)) for stream, event in several]
        by_stream: dict[str, list[ProposedEvent]] = {}
        for stream, event in given:
            by_stream.setdefault(stream, []).append(event)
        wanted = {stream: one for stream, one in (checks or {}).items() if not isinstance(one, DeletedState)}
        parts = {stream: _part(events, wanted.get(stream, ANY)) for stream, events in by_stream.items()}

        async def write(entry: NewEvent, revision: Expected) -> StreamsAppended:
            return await Connection.append_records(
                self,
                [(journal.stream, entry), *given],
                checks={journal.stream: revision, **(checks or {})},
                retry_unknown=retry_unknown,
                **options,
            )

        return await self._once(journal, parts, write)

    async def _once(
        self,
        journal: Journal,
        parts: Parts,
        write: Write,
        write_before: Callable[[], Awaitable[StreamsAppended]] | None = None,
    ) -> StreamsAppended:
        """Return what an append answered before, or make it."""
        async with journal.lock:
            found = await journal.done(self, frozenset(parts))
            if found is not None:
                result = _result(found)
            else:
                try:
                    result = await self._write_with_entry(journal, parts, write)
                except (NotSupported, InvalidArgument):  # the server, or the event: some can't go with an entry
                    if write_before is None:
                        raise
                    result = await write_before()
            journal.next += 1
            return result

    async def _write_with_entry(self, journal: Journal, parts: Parts, write: Write) -> StreamsAppended:
        entry = journal.entry(parts, atomic=True)
        try:
            result = await write(entry, journal.revision)
        except (WrongExpectedRevision, ConsistencyViolation) as error:
            if not _concerns(error, journal.stream):
                raise
            await journal.overtaken(self, _actual(error, journal.stream))
            result = await write(entry, journal.revision)
        revisions = dict(result.revisions)
        journal.note(parts, atomic=True, revision=revisions.pop(journal.stream))
        return StreamsAppended(revisions, result.position)

    async def _append_after_entry(
        self,
        journal: Journal,
        stream: str,
        given: tuple[ProposedEvent, ...],
        expected: Expected,
        options: Options,
    ) -> StreamsAppended:
        """Write the entry, then the events behind an exact revision: the same append can't happen twice.

        Whoever finds the entry without the events may make the append again. An earlier one that is still on its way
        expects the revision that its entry has, so it is either there, or is refused once the stream has moved.
        """
        for attempts_left in reversed(range(ATTEMPTS)):
            exact = await self._exact(stream, expected)
            parts = {stream: _part(given, exact)}
            if (found := await journal.done(self, frozenset(parts))) is not None:
                return _result(found)
            await self._write_entry(journal, parts)
            wanted = expected if expected is STREAM_EXISTS and exact is NO_STREAM else exact  # which is refused
            try:
                result = await Connection.append(self, stream, given, wanted, retry_unknown=True, **options)
            except WrongExpectedRevision as error:
                if error.stream != stream:
                    raise
                if (found := await journal.done(self, frozenset(parts))) is not None:
                    return _result(found)
                if expected not in (ANY, STREAM_EXISTS) or wanted is STREAM_EXISTS or not attempts_left:
                    raise
            else:
                revision = arguments.whole_number(result.revision, "revision", least=0, most=MAX_REVISION)
                return StreamsAppended({stream: revision}, result.position or Position(0, 0))
        raise AssertionError("the last attempt returns or raises")

    async def _exact(self, stream: str, expected: Expected) -> Expected:
        """The revision that an append has to follow, for one that may follow several."""
        return await Connection.last_revision(self, stream) if expected in (ANY, STREAM_EXISTS) else expected

    async def _write_entry(self, journal: Journal, parts: Parts) -> None:
        entry = journal.entry(parts, atomic=False)
        try:
            result = await Connection.append(self, journal.stream, entry, journal.revision)
        except WrongExpectedRevision as error:
            await journal.overtaken(self, error.actual)
            result = await Connection.append(self, journal.stream, entry, journal.revision)
        journal.note(parts, atomic=False, revision=result.revision or 0)

    async def last_revision(
        self, stream: str, *, read_preference: NodePreference | None = None, **options: Unpack[Options]
    ) -> Revision:
        """See `Connection.last_revision`; where the next append was made before, that of then."""
        if (done := await self._done(stream)) is not None:
            return done[0].revision - 1 if done[0].revision else StreamState.NO_STREAM
        return await super().last_revision(stream, read_preference=read_preference, **options)

    async def _done(self, stream: str) -> list[RecordedEvent] | None:
        """The events that the next append has added to this stream before, if it was to it."""
        journal = self.journal()
        if journal is None or journal.streams() != frozenset({stream}):
            return None
        found = await journal.done(self, frozenset({stream}))
        return list(found[stream]) if found else None

    async def _load(
        self, stream: str, folding: Folding[Any], *, until: Until | None = None, read_only: str = "", **options: Any
    ) -> Loaded[Any]:
        if until is None and (done := await self._done(stream)) is not None:
            if not done[0].revision:
                return self._loaded(stream, folding, Folded(folding.begin(), StreamState.NO_STREAM), read_only)
            until = Until(at_revision=done[0].revision - 1)
        loaded = await self._plain._load(stream, folding, until=until, read_only=read_only, **options)
        return replace(loaded, _origin=replace(loaded._origin, decisions=self))

    async def _loaded_again(self, loaded: Loaded[State], limits: Any) -> Loaded[State]:
        return await self._plain._loaded_again(loaded, limits)

    @property
    def _plain(self) -> Connection:
        """The same without a key, for loads: they may store snapshots, which are nothing that a request asks for."""
        return Connection(self.pool, self._stop, self._untraced)

    async def _attempt(
        self, loaded: Loaded[State], decide: Callable[..., object], args: tuple[Any, ...], limits: Any
    ) -> Decided[State]:
        journal, done = self.journal(), await self._done(loaded.stream)
        if journal is None or done is None:
            return await super()._attempt(loaded, decide, args, limits)
        journal.next += 1
        folding = loaded._origin.folding
        state = folding.fold(folding.kept(loaded.state), done)
        origin = loaded._origin.after(done[-1].revision, done[-1].id)
        events = tuple(_decided(folding.types, done))
        return Decided(loaded.stream, state, done[-1].revision, origin, events, done[-1].position)


class OnceHandedOn(HandedOn, OnceConnection):
    """The same for a request of which some part runs in threads."""


def _part(events: Iterable[ProposedEvent], expected: Expected) -> Part:
    return Part.of([event.id for event in events], expected)


def _result(found: Found) -> StreamsAppended:
    last = [events[-1] for events in found.values()]
    position = max((event.position or Position(0, 0) for event in last), default=Position(0, 0))
    return StreamsAppended({event.stream: event.revision for event in last}, position)


def _concerns(error: WrongExpectedRevision | ConsistencyViolation, stream: str) -> bool:
    if isinstance(error, WrongExpectedRevision):
        return error.stream == stream
    return any(one.stream == stream for one in error.violations)


def _actual(error: WrongExpectedRevision | ConsistencyViolation, stream: str) -> Expected | None:
    if isinstance(error, WrongExpectedRevision):
        return error.actual
    return next((one.actual for one in error.violations if one.stream == stream and one.actual >= 0), None)


def _decided(types: Any, done: Iterable[RecordedEvent]) -> Iterable[Any]:
    """The events as they were decided: objects of registered classes, or new events."""
    for event in done:
        if types is None:
            yield ProposedEvent(event.id, event.type, event.data, event.metadata, event.content_type)
        else:
            yield from (one.data for one in types.decode_all(event))
