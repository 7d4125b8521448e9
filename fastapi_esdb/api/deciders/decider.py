"""What makes a state of events: a decider, or a class whose objects apply them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from fastapi_esdb.api.deciders.snapshots import Snapshots
from fastapi_esdb.api.deciders.state_cache import StateCache
from fastapi_esdb.api.decoding import Event, EventDecoder, decoder
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent

State = TypeVar("State")
Means = TypeVar("Means")


class Decider(Protocol[State]):
    """An object, or a class, that makes a state of the events of a stream.

    `initial` is the state before the first event, or is called to make it. `evolve` returns the next state and leaves
    the one that it gets as it is. It gets recorded events, or their data, where the decider says `types = events`.
    With `cache = StateCache(1_000)` states are kept between loads, with `snapshots = Snapshots(version=1)` they are
    stored.
    """

    # `initial` is looked for when it is used: declared here, pyright would take no class for a decider

    def evolve(self, state: State, event: Any, /) -> State:
        """Return the state after an event."""
        ...


class Entity(Protocol):
    """A class whose objects take in events: each begins as `Class()`, and may say `types = events` as a decider does.

    `apply` changes the object and returns nothing, or returns another one and leaves this one as it is.
    """

    def apply(self, event: Any, /) -> Any:
        """Take in an event."""
        ...


AnyEntity = TypeVar("AnyEntity", bound=Entity)


@dataclass(frozen=True, slots=True)
class Folding(Generic[State]):
    """A decider or a class of entities, made one: how states begin, and what an event makes of one."""

    decider: object
    begin: Callable[[], State]
    evolve: Callable[[State, Any], State]
    types: EventDecoder[Event[Any]] | None
    cache: StateCache | None
    snapshots: Snapshots | None
    changes_states: bool
    """True if `evolve` may change the state that it gets."""

    def fold(self, state: State, events: Iterable[RecordedEvent]) -> State:
        """Return the state after these events. The one that is given may be changed, see `kept`."""
        evolve, types = self.evolve, self.types
        for recorded in events:
            if types is None:
                state = evolve(state, recorded)
            else:
                for event in types.decode_all(recorded):
                    state = evolve(state, event.data)
        return state

    def kept(self, state: State) -> State:
        """Return the state, or a copy of it, so that going on from it leaves the given one as it is."""
        return copy.deepcopy(state) if self.changes_states else state


def folding_of(decider: Any) -> Folding[Any]:
    """Return how a decider, or a class of entities, folds. Raises `InvalidArgument` for what is neither."""
    types = decoder(getattr(decider, "types", None))
    cache, snapshots = _own(decider, "cache", StateCache), _own(decider, "snapshots", Snapshots)
    for name in ("evolve", "apply"):
        if inspect.iscoroutinefunction(getattr(decider, name, None)):
            raise InvalidArgument(f"{name} of {_name_of(decider)} must be a def: what a state becomes is not awaited")
    if callable(getattr(decider, "evolve", None)) and hasattr(decider, "initial"):
        return Folding(decider, _beginning(decider.initial), decider.evolve, types, cache, snapshots, False)
    if isinstance(decider, type) and callable(getattr(decider, "apply", None)):
        return Folding(decider, decider, _apply, types, cache, snapshots, True)
    raise InvalidArgument(
        "decider must have `initial` and `evolve(state, event)`, or be a class with `apply(self, event)`: "
        f"not {_name_of(decider)}"
    )


def _name_of(decider: object) -> str:
    return decider.__name__ if isinstance(decider, type) else f"an object of {type(decider).__name__}"


def _own(decider: object, name: str, kind: type[Means]) -> Means | None:
    """Return what a decider has of that name; an entity may have something else of it, which is its own business."""
    found = getattr(decider, name, None)
    return found if isinstance(found, kind) else None


def _beginning(initial: Any) -> Callable[[], Any]:
    """A value is copied, so that no stream begins with what another one has made of it."""
    return initial if callable(initial) else lambda: copy.deepcopy(initial)


def _apply(entity: Any, event: Any) -> Any:
    after = entity.apply(event)
    return entity if after is None else after
