"""`decision()`: events for several streams, on condition that none of those that were looked at has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, Unpack, overload

from fastapi_esdb.api.atomic_appends import AtomicAppends
from fastapi_esdb.api.deciders.decider import AnyEntity, Decider, State, folding_of
from fastapi_esdb.api.deciders.decisions import Decisions, Loaded, several
from fastapi_esdb.api.deciders.options import Decision, LoadOptions
from fastapi_esdb.api.proposing import proposed
from fastapi_esdb.wire.errors import InvalidArgument

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Options
    from fastapi_esdb.api.deciders.state_cache import Revision
    from fastapi_esdb.wire.events.values import ProposedEvent
    from fastapi_esdb.wire.streams_v2.values import StreamsAppended

PART = "it is part of a joint decision, so append() of that takes the events"


class JointDecision:
    """A decision about several streams: `async with esdb.decision() as decision: ...`.

    Leaving the block appends all events, or none; leaving it by an error appends none.
    """

    def __init__(self, connection: JointDecisions, options: Options) -> None:
        self._connection = connection
        self._options = options
        self._checks: dict[str, Revision] = {}
        self._records: list[tuple[str, ProposedEvent]] = []
        self._was_entered = self._is_open = False
        self.result: StreamsAppended | None = None
        """The streams' new revisions, once the block is left; `None` where nothing was appended."""

    @overload
    async def load(self, stream: str, decider: Decider[State], **options: Unpack[LoadOptions]) -> Loaded[State]: ...
    @overload
    async def load(
        self, stream: str, decider: type[AnyEntity], **options: Unpack[LoadOptions]
    ) -> Loaded[AnyEntity]: ...
    async def load(self, stream: str, decider: Any, **options: Unpack[LoadOptions]) -> Loaded[Any]:
        """Load the state of a stream, as `Connection.load` does. From now on the stream must not move."""
        self._require_open()
        loaded = await self._connection._load(stream, folding_of(decider), read_only=PART, **options)
        self._checks.setdefault(loaded.stream, loaded.revision)
        return loaded

    def append(self, stream: str, decided: Decision) -> None:
        """Have events appended when the block is left: one, several or none, as a decision function returns them.

        Those of all streams are written in the order of these calls. Raises `InvalidArgument` for what is no event,
        and outside of the block.
        """
        self._require_open()
        self._records += [(stream, event) for event in proposed(several(decided))]

    def _require_open(self) -> None:
        if not self._is_open:
            raise InvalidArgument(
                "load() and append() of a decision are for its block: `async with esdb.decision() as decision`"
            )

    async def __aenter__(self) -> Self:
        if self._was_entered:
            raise InvalidArgument("a decision can't be entered again: esdb.decision() makes a new one")
        self._was_entered = self._is_open = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._is_open = False
        if kind is None and self._records:
            self.result = await self._connection.append_records(
                self._records, checks=self._checks, retry_unknown=True, **self._options
            )


class JointDecisions(Decisions, AtomicAppends):
    """Decisions about several streams."""

    def decision(self, **options: Unpack[Options]) -> JointDecision:
        """Return a decision about several streams at once, to be entered with `async with`. Server 26.0.3 or newer.

        Its `load` gives states and its `append` takes events; leaving the block writes these if no stream that was
        loaded has moved, with `options`. A block can't be entered again by itself: what to do after a conflict is the
        caller's choice. A lost answer is found out.

        Leaving raises `ConsistencyViolation`, whose `violations` name the streams that have moved, `NotSupported` on
        servers without `append_records`, and what that raises. In each case nothing was written, or all of it.
        """
        return JointDecision(self, options)
