"""The status of each connection of a pool, and totals of its calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi_esdb.connection.state import ConnectionState

if TYPE_CHECKING:
    from fastapi_esdb.connection.node import NodeConnection


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection at one moment; neither an address nor an error, so that it may be shown to anyone.

    `since` is when it came into its state (UTC), `attempts` how often it has tried to connect since it was opened or
    last lost its server. `in_flight` counts its calls, `streams` the long-lived ones among them.
    """

    name: str
    state: ConnectionState
    since: datetime
    attempts: int
    in_flight: int
    streams: int

    @classmethod
    def of(cls, node: NodeConnection) -> ConnectionStatus:
        """Return the status of a connection, with the calls on its earlier channels."""
        in_flight = sum(channel.in_flight for channel in node.channels)
        streams = sum(channel.streams for channel in node.channels)
        return cls(node.name, node.state, node.since, node.attempts, in_flight, streams)


@dataclass(slots=True)
class Counters:
    """Totals since the pool was made."""

    failures: int = 0
    """Calls that ended with an error."""
    retries: int = 0
    """Times a call was made again."""
    queued: int = 0
    """Times a call had to wait for a lease."""
    connects: int = 0
    """Connections that were made."""
    disconnects: int = 0
    """Connections that were lost or closed."""
    extra: int = 0
    """Connections that were opened because the others were full."""
    requests_failed: int = 0
    """Requests of the app that `add_error_handlers` answered with a status of 500 or above."""
    calls_by_kind: Counter[str] = field(default_factory=Counter)
    """Calls that were begun, by their names in the protocol, such as `Streams.Read`."""
    failures_by_kind: Counter[str] = field(default_factory=Counter)
    """Calls that ended with an error, by the name of its class."""

    def totals(self) -> dict[str, int | float]:
        """Return the counters by name, each name with `_total` at its end."""
        numbers = ((each.name, getattr(self, each.name)) for each in fields(self))
        others = {f"{name}_total": value for name, value in numbers if isinstance(value, int)}
        return {"calls_total": self.calls_by_kind.total(), **others}
