"""The states of a connection and the moves between them, and whether the server lets calls in."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType


class ConnectionState(enum.StrEnum):
    """The state of a connection, or of a pool of them."""

    CLOSED = "closed"
    """Not opened, or closed on purpose; it stays so until it is opened."""
    CONNECTING = "connecting"
    """It has no server and tries again and again."""
    CONNECTED = "connected"
    """The server has answered, and nothing has spoken against it since."""


class Admission(enum.StrEnum):
    """The answer of a server to calls that carry the pool's credentials, or none where the pool has none."""

    GRANTED = "granted"
    """Nothing speaks against it."""
    REFUSED = "refused"
    """The credentials are wrong, or their user is disabled."""
    MISSING = "missing"
    """The pool has none, and the server asks for them."""


class Change(enum.Enum):
    """A thing that happens to a connection."""

    OPENED = "opened"
    ANSWERED = "answered"
    LOST = "lost"
    CLOSED = "closed"


MOVES: Mapping[tuple[ConnectionState, Change], ConnectionState] = MappingProxyType(
    {
        (ConnectionState.CLOSED, Change.OPENED): ConnectionState.CONNECTING,
        (ConnectionState.CONNECTING, Change.ANSWERED): ConnectionState.CONNECTED,
        (ConnectionState.CONNECTED, Change.LOST): ConnectionState.CONNECTING,
        (ConnectionState.CONNECTING, Change.CLOSED): ConnectionState.CLOSED,
        (ConnectionState.CONNECTED, Change.CLOSED): ConnectionState.CLOSED,
    }
)
"""Every move there is; whatever is not here is a defect of the caller."""


def next_state(state: ConnectionState, change: Change) -> ConnectionState:
    """Return the state after the change. Raises RuntimeError where the table has no such move."""
    if (state, change) not in MOVES:
        possible = ", ".join(after.value for before, after in MOVES if before is state)
        raise RuntimeError(f"a connection that is {state} can be {possible}, and not {change.value}")
    return MOVES[state, change]
