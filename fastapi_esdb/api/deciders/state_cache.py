"""States that are kept between loads, so that only what is new is read."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar
from uuid import UUID

from fastapi_esdb.api import arguments
from fastapi_esdb.wire.revisions import StreamState

State = TypeVar("State")

Revision: TypeAlias = int | Literal[StreamState.NO_STREAM]
"""That of a stream's last event, or `NO_STREAM`."""


@dataclass(frozen=True, slots=True)
class Folded(Generic[State]):
    """A state, and the last event that it is made of: its revision, and its id, which tells if it is still there."""

    state: State
    revision: Revision
    event_id: UUID | None = None


class StateCache:
    """Keeps the states that a decider has made last, `size` streams at most: `cache = StateCache(1_000)` in its class.

    A load then reads the last event that it knows and what came after it. Where that event is gone, as the stream was
    deleted or truncated, all is read. The cache is of one process, and of one decider: another one, also another object
    of the same class, finds nothing of the first one's in it.
    """

    def __init__(self, size: int) -> None:
        self._size = arguments.whole_number(size, "size", least=1, most=arguments.INT32)
        self._kept: OrderedDict[str, tuple[Any, Folded[Any]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all states."""
        self._kept.clear()

    def find(self, decider: object, stream: str) -> Folded[Any] | None:
        """Return what this decider made of the stream last, if it is kept."""
        owner, folded = self._kept.get(stream, (None, None))
        if folded is None or owner is not decider:
            return None
        self._kept.move_to_end(stream)
        return folded

    def keep(self, decider: object, stream: str, folded: Folded[Any]) -> None:
        """Keep what this decider has made of the stream; a stream without events is forgotten."""
        if folded.event_id is None:
            self._kept.pop(stream, None)
            return
        self._kept[stream] = decider, folded
        self._kept.move_to_end(stream)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
