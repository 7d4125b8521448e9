"""The states that the connections of a pool have been in, for people who look later at what has happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi_esdb.connection.state import ConnectionState

if TYPE_CHECKING:
    from fastapi_esdb.connection.node import NodeConnection

MOST_CHANGES = 200
"""Changes of a connection that are kept."""

MOST_CONNECTIONS = 50
"""Connections that are kept; those that have been closed longest go first."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A connection has come into a state. `cause` is a text for people, with addresses; `at` is in UTC."""

    at: datetime
    state: ConnectionState
    cause: str


class Timeline:
    """Notes each change of state of a pool's connections, the last ones of each, by the name of the connection."""

    def __init__(self) -> None:
        self._changes: dict[str, deque[StateChange]] = {}

    @property
    def changes(self) -> Mapping[str, Sequence[StateChange]]:
        """The changes of each connection, the oldest first."""
        return {name: tuple(changes) for name, changes in self._changes.items()}

    def note(self, nodes: Iterable[NodeConnection]) -> None:
        """Note the states that these are in now. Connections that are not among them any more are closed."""
        present = {node.name: node for node in nodes}
        for name, node in present.items():
            self._note(name, StateChange(node.since, node.state, node.cause))
        for name in self._changes.keys() - present.keys():
            self._note(name, StateChange(datetime.now(UTC), ConnectionState.CLOSED, "closed"))

    def _note(self, name: str, change: StateChange) -> None:
        if name not in self._changes:
            self._make_room()
            self._changes[name] = deque(maxlen=MOST_CHANGES)
        changes = self._changes[name]
        if not changes or changes[-1].state is not change.state:
            changes.append(change)

    def _make_room(self) -> None:
        closed = [
            (kept[-1].at, name) for name, kept in self._changes.items() if kept[-1].state == ConnectionState.CLOSED
        ]
        if len(self._changes) >= MOST_CONNECTIONS and closed:
            del self._changes[min(closed)[1]]
