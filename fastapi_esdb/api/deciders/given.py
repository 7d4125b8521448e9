"""Tests of decisions without a database: `given(Order, OrderPlaced(...)).when(pay).then(OrderPaid(...))`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVarTuple, overload

from fastapi_esdb.api.deciders.decider import AnyEntity, Decider, Folding, State, folding_of
from fastapi_esdb.api.deciders.decisions import several
from fastapi_esdb.api.deciders.folding import as_recorded
from fastapi_esdb.api.deciders.options import Made, Made_co
from fastapi_esdb.api.proposing import Appendable, propose, proposed
from fastapi_esdb.wire.errors import InvalidArgument

Args = TypeVarTuple("Args")

STREAM = "given"


@overload
def given(decider: Decider[State], *events: Appendable) -> Given[State]: ...
@overload
def given(decider: type[AnyEntity], *events: Appendable) -> Given[AnyEntity]: ...
def given(decider: Any, *events: Appendable) -> Given[Any]:
    """Return the state after these events, to decide by: `given(Order, OrderPlaced(cents=5)).when(pay)`.

    The events are encoded and read again, as they would be in a database.
    """
    folding = folding_of(decider)
    state = folding.fold(folding.begin(), as_recorded(proposed(events), STREAM, 0))
    return Given(state, folding, len(events))


@dataclass(frozen=True)
class Given(Generic[State]):
    """A state that was made of events, for tests."""

    state: State
    _folding: Folding[State] = field(repr=False)
    _count: int = field(repr=False)

    def when(
        self, decide: Callable[[State, *Args], Made | Iterable[Made] | None], *args: *Args
    ) -> Outcome[State, Made]:
        """Call `decide(state, *args)`, and return what comes of it; a coroutine function is for `when_awaited`."""
        try:
            decided = decide(self.state, *args)
            if inspect.iscoroutine(decided):
                decided.close()
                raise InvalidArgument("decide is a coroutine function: `await given(...).when_awaited(...)`")
            return self._outcome(several(decided))
        except InvalidArgument:
            raise
        except Exception as error:
            return Outcome((), self.state, error)

    async def when_awaited(
        self, decide: Callable[[State, *Args], Awaitable[Made | Iterable[Made] | None]], *args: *Args
    ) -> Outcome[State, Made]:
        """Call a coroutine function that decides, as `when` does others."""
        try:
            return self._outcome(several(await decide(self.state, *args)))
        except InvalidArgument:
            raise
        except Exception as error:
            return Outcome((), self.state, error)

    def _outcome(self, events: tuple[Any, ...]) -> Outcome[State, Any]:
        recorded = as_recorded(proposed(events), STREAM, self._count)
        return Outcome(events, self._folding.fold(self._folding.kept(self.state), recorded), None)


@dataclass(frozen=True)
class Outcome(Generic[State, Made_co]):
    """The events of a decision and the state after them, or the error that it raised."""

    events: tuple[Made_co, ...]
    state: State
    error: Exception | None

    def then(self, *events: Appendable) -> Self:
        """Check that these events were decided, in this order, and none else; without any: that nothing was.

        Compared is what would be stored, but for the ids. Raises `AssertionError`, or the error of the decision.
        """
        if self.error is not None:
            raise self.error
        if [_stored(event) for event in self.events] != [_stored(event) for event in events]:
            raise AssertionError(f"decided was {_shown(self.events)}, and expected {_shown(events)}")
        return self

    def then_state(self, state: State) -> Self:
        """Check the state after the decision."""
        if self.error is not None:
            raise self.error
        if self.state != state:
            raise AssertionError(f"the state is {self.state!r}, and expected was {state!r}")
        return self

    def then_raises(self, kind: type[Exception], match: str = "") -> Self:
        """Check that the decision raised such an error, with a text in which `match` (a regex) is found."""
        if self.error is None:
            raise AssertionError(f"decided was {_shown(self.events)}, and expected {kind.__name__}")
        if not isinstance(self.error, kind):
            raise self.error
        if not re.search(match, str(self.error)):
            raise AssertionError(f"the error says {str(self.error)!r}, where {match!r} is not found")
        return self


def _stored(event: Any) -> tuple[str, bytes, bytes]:
    made = propose(event)
    return made.type, made.data, made.metadata


def _shown(events: tuple[Any, ...]) -> str:
    return ", ".join(map(repr, events)) or "nothing"
