"""`load` and `decide`: the state of a stream, and the events that a decision adds to it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVarTuple, Unpack, overload

from pydantic import Field, GetPydanticSchema
from pydantic_core.core_schema import any_schema

from fastapi_esdb.api import arguments
from fastapi_esdb.api.deciders.decider import AnyEntity, Decider, Folding, State, folding_of
from fastapi_esdb.api.deciders.folding import Until, as_recorded, fold_stream
from fastapi_esdb.api.deciders.options import DecideOptions, LoadOptions, Made, Made_co
from fastapi_esdb.api.deciders.snapshots import Snapshots
from fastapi_esdb.api.deciders.state_cache import Folded, Revision
from fastapi_esdb.api.proposing import proposed
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.errors import NotSentInTime, WrongEventLoop
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.wire.errors import InvalidArgument, WrongExpectedRevision
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, NO_STREAM, STREAM_EXISTS, Expected

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.wire.events.values import ProposedEvent

Args = TypeVarTuple("Args")

ATTEMPTS = 10
"""Times that a decision is made until it is appended, or the last conflict is raised."""

CONFLICT_PAUSES = Backoff(first=0.02, limit=0.5, jitter=1.0)
"""Of those who have met at one stream each waits another time."""

PAST = "it is one of the past: load the stream as it is now"


@dataclass(frozen=True, slots=True)
class Origin(Generic[State]):
    """The means that a state was loaded by, and the id of the last event that it is made of."""

    decisions: Decisions
    folding: Folding[State]
    event_id: UUID | None
    read_only: str = ""
    """Why it is for looking at, where it is."""
    expected: Expected = ANY
    """The condition that decisions by it are made on."""
    on_decided: Callable[[Revision], object] | None = None
    """Is told the revision after each decision by it."""

    def after(self, revision: int, event_id: UUID) -> Origin[State]:
        """Return that of the state after a decision: who expected an exact revision goes on from the new one."""
        expected = self.expected if self.expected in (ANY, STREAM_EXISTS) else revision
        return replace(self, event_id=event_id, expected=expected)


_Hidden = Annotated[State, GetPydanticSchema(lambda *_: any_schema()), Field(exclude=True)]
"""A field that is not in the answers of an app."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[State]):
    """The state of a stream. `revision` is that of its last event, or `NO_STREAM` where it has none."""

    stream: str
    state: State
    revision: Revision
    _origin: _Hidden[Origin[State]] = field(repr=False, compare=False)

    @property
    def exists(self) -> bool:
        """True if the stream has events; in the past: if it had."""
        return self.revision is not NO_STREAM

    @property
    def expected(self) -> Expected:
        """The revision that the request expects, where it has one: for `decide` of a connection. Else `ANY`."""
        return self._origin.expected

    @overload
    def decide(
        self,
        decide: Callable[[State, *Args], Awaitable[Made | Iterable[Made] | None]],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Coroutine[Any, Any, Decided[State, Made]]: ...
    @overload
    def decide(
        self,
        decide: Callable[[State, *Args], Made | Iterable[Made] | None],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Coroutine[Any, Any, Decided[State, Made]]: ...
    def decide(
        self, decide: Callable[[State, *Args], Any], *args: *Args, **options: Unpack[DecideOptions]
    ) -> Coroutine[Any, Any, Decided[State, Any]]:
        """Decide by this state, as `Connection.decide` does; after a conflict by the state that the stream has then.

        Raises what that raises, and `InvalidArgument` for a state of the past, or of a joint decision.
        """
        if self._origin.read_only:
            raise InvalidArgument(f"this state of {self.stream!r} can't be decided by: {self._origin.read_only}")
        _require_loop()
        options.setdefault("expected", self._origin.expected)
        return self._origin.decisions._decide(self, decide, args, _Limits.of(self._origin.decisions, **options))


def conditional(loaded: Loaded[State], expected: Expected, on_decided: Callable[[Revision], object]) -> Loaded[State]:
    """Return the same, to be decided by on that condition only; `on_decided` is told the revision afterwards."""
    return replace(loaded, _origin=replace(loaded._origin, expected=expected, on_decided=on_decided))


@dataclass(frozen=True, slots=True)
class Decided(Loaded[State], Generic[State, Made_co]):
    """The state after a decision. `events` are what was decided, `position` is that of the append.

    Without events nothing was appended, and the state is the one that was decided by.
    """

    events: tuple[Made_co, ...] = ()
    position: Position | None = None


class Decisions(Streams):
    """States of streams, and decisions by them."""

    @overload
    async def load(
        self,
        stream: str,
        decider: Decider[State],
        *,
        at_revision: int | None = ...,
        as_of: datetime | None = ...,
        snapshots: Snapshots | None = ...,
        **options: Unpack[LoadOptions],
    ) -> Loaded[State]: ...
    @overload
    async def load(
        self,
        stream: str,
        decider: type[AnyEntity],
        *,
        at_revision: int | None = ...,
        as_of: datetime | None = ...,
        snapshots: Snapshots | None = ...,
        **options: Unpack[LoadOptions],
    ) -> Loaded[AnyEntity]: ...
    async def load(
        self,
        stream: str,
        decider: Any,
        *,
        at_revision: int | None = None,
        as_of: datetime | None = None,
        snapshots: Snapshots | None = None,
        **options: Unpack[LoadOptions],
    ) -> Loaded[Any]:
        """Read a stream and return the state that its events make.

        `decider` has `initial` and `evolve(state, event)`, or is a class whose objects have `apply(event)`. A stream
        without events gives the initial state; see `exists`.

        `at_revision` gives the state after the event of that revision, `as_of` (a moment with a time zone) the one of
        then: after the events before the first later one. Such a state is for looking at, and neither kept nor stored.

        `snapshots` are in place of those that the decider has.

        Raises `StreamDeleted` for a tombstoned stream, `InvalidArgument`, and what reading and `evolve` raise.
        """
        until = Until.of(at_revision, as_of)
        folding = folding_of(decider)
        if snapshots is not None:
            folding = replace(folding, snapshots=arguments.instance(snapshots, Snapshots, "snapshots"))
        return await self._load(stream, folding, until=until, read_only=PAST if until else "", **options)

    async def _load(
        self, stream: str, folding: Folding[Any], *, until: Until | None = None, read_only: str = "", **options: Any
    ) -> Loaded[Any]:
        stream = arguments.stream_name(stream)
        folded = await fold_stream(self, stream, folding, options=options, until=until)
        return self._loaded(stream, folding, folded, read_only)

    @overload
    async def decide(
        self,
        stream: str,
        decider: Decider[State],
        decide: Callable[[State, *Args], Awaitable[Made | Iterable[Made] | None]],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[State, Made]: ...
    @overload
    async def decide(
        self,
        stream: str,
        decider: Decider[State],
        decide: Callable[[State, *Args], Made | Iterable[Made] | None],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[State, Made]: ...
    @overload
    async def decide(
        self,
        stream: str,
        decider: type[AnyEntity],
        decide: Callable[[AnyEntity, *Args], Awaitable[Made | Iterable[Made] | None]],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[AnyEntity, Made]: ...
    @overload
    async def decide(
        self,
        stream: str,
        decider: type[AnyEntity],
        decide: Callable[[AnyEntity, *Args], Made | Iterable[Made] | None],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[AnyEntity, Made]: ...
    async def decide(
        self,
        stream: str,
        decider: Any,
        decide: Callable[[Any, *Args], Any],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[Any]:
        """Load a state, call `decide(state, *args)`, and append the events that it returns: one, several or none.

        They are appended on condition that the stream has not moved. Where it has, all of it is done again, `attempts`
        times at most (10), with pauses; so `decide`, a function or coroutine function, does nothing but decide.
        An event that `evolve` raises an error for is not appended. Where the answer is lost, the client finds out what
        has become of the append, as the stream's revision makes it safe to send it again.

        Raises `WrongExpectedRevision` when the stream has moved each time, what `decide` and `evolve` raise, and what
        `load` and `append` raise.
        """
        limits = _Limits.of(self, **options)
        return await self._decide(await self._load(stream, folding_of(decider), **limits.left()), decide, args, limits)

    async def _decide(
        self, loaded: Loaded[State], decide: Callable[..., object], args: tuple[Any, ...], limits: _Limits
    ) -> Decided[State]:
        pauses = CONFLICT_PAUSES.delays()
        if not _meets(loaded.revision, limits.expected):
            raise WrongExpectedRevision(loaded.stream, limits.expected, loaded.revision)
        for attempts_left in reversed(range(limits.attempts)):
            try:
                decided = await self._attempt(loaded, decide, args, limits)
            except WrongExpectedRevision as error:
                pause = next(pauses)
                if error.stream != loaded.stream or not attempts_left or limits.deadline.left() <= pause:
                    raise
                if not _meets(error.actual, limits.expected):
                    raise
            else:
                if loaded._origin.on_decided:
                    loaded._origin.on_decided(decided.revision)
                return decided
            await asyncio.sleep(pause)
            again = await self._loaded_again(loaded, limits)
            loaded = replace(again, _origin=replace(loaded._origin, event_id=again._origin.event_id))
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self, loaded: Loaded[State], decide: Callable[..., object], args: tuple[Any, ...], limits: _Limits
    ) -> Decided[State]:
        """Decide, see what the events make of the state, and append them."""
        stream, origin = loaded.stream, loaded._origin
        decided = decide(loaded.state, *args)
        events = several(await limits.awaited(decided) if inspect.isawaitable(decided) else decided)
        given = proposed(events)
        if not given:
            return Decided(stream, loaded.state, loaded.revision, origin)
        first = loaded.revision + 1 if isinstance(loaded.revision, int) else 0
        state = _after(loaded, given, first)
        result = await self.append(stream, given, expected=loaded.revision, retry_unknown=True, **limits.left())
        revision = arguments.whole_number(result.revision, "revision", least=0, most=MAX_REVISION)
        if (real := revision - len(given) + 1) != first:  # the stream was deleted, and its revisions go on
            state = _after(loaded, given, real)
        return Decided(stream, state, revision, origin.after(revision, given[-1].id), events, result.position)

    async def _loaded_again(self, loaded: Loaded[State], limits: _Limits) -> Loaded[State]:
        """Return what the stream holds now. Only what is new is read, unless deciding may have changed the state."""
        stream, folding = loaded.stream, loaded._origin.folding
        known = None if folding.changes_states else Folded(loaded.state, loaded.revision, loaded._origin.event_id)
        options = {**limits.left(), "read_preference": NodePreference.LEADER}
        return self._loaded(stream, folding, await fold_stream(self, stream, folding, options=options, known=known))

    def _loaded(
        self, stream: str, folding: Folding[State], folded: Folded[State], read_only: str = ""
    ) -> Loaded[State]:
        return Loaded(stream, folded.state, folded.revision, Origin(self, folding, folded.event_id, read_only))


@dataclass(frozen=True, slots=True)
class _Limits:
    """The time and the attempts that there are, and the options of each call."""

    deadline: Deadline
    attempts: int
    expected: Expected
    options: dict[str, Any]

    @classmethod
    def of(
        cls,
        decisions: Decisions,
        *,
        attempts: int = ATTEMPTS,
        expected: Expected = ANY,
        timeout: float | None = None,
        **options: Any,
    ) -> _Limits:
        """Return those that a caller has chosen. Raises `InvalidArgument`."""
        arguments.whole_number(attempts, "attempts", least=1, most=arguments.INT32)
        expected = arguments.expected_revision(expected)
        seconds = arguments.seconds(timeout, "timeout")
        deadline = Deadline.after(decisions._carrier.deadline if seconds is None else seconds)
        return cls(deadline, attempts, expected, options)

    async def awaited(self, decided: Awaitable[object]) -> object:
        """Return what a coroutine function decides. Raises `NotSentInTime` where that takes too long."""
        try:
            async with asyncio.timeout(self.deadline.left()) as limit:
                return await decided
        except TimeoutError:
            if not limit.expired():
                raise
        raise NotSentInTime

    def left(self) -> dict[str, Any]:
        """Return the options of a call that begins now."""
        return {**self.options, "timeout": self.deadline.left()}


def _meets(actual: Expected | None, expected: Expected) -> bool:
    """Return whether a stream that is there is as expected; one of which nothing is told is not, unless all are."""
    if expected is ANY:
        return True
    return isinstance(actual, int) if expected is STREAM_EXISTS else actual == expected


def _after(loaded: Loaded[State], given: Sequence[ProposedEvent], first: int) -> State:
    """Return the state after events that are about to be appended, read as they will be read from the stream."""
    folding = loaded._origin.folding
    return folding.fold(folding.kept(loaded.state), as_recorded(given, loaded.stream, first))


def several(decision: Any) -> tuple[Any, ...]:
    """Return what was decided as events: none, one, or those of a list, a tuple or a generator."""
    if decision is None:
        return ()
    return tuple(decision) if isinstance(decision, list | tuple | Iterator) else (decision,)


def _require_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise WrongEventLoop(
            "decide() of a loaded state was called by a `def`, which runs in a thread, where nothing awaits it: "
            "call decide() of EsdbSyncDep instead, or make it `async def`"
        ) from None
