"""What is told of each connection of a pool."""

from __future__ import annotations

from dataclasses import dataclass
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
        """The status of a connection, calls on its earlier channels included."""
        in_flight = sum(channel.in_flight for channel in node.channels)
        streams = sum(channel.streams for channel in node.channels)
        return cls(node.name, node.state, node.since, node.attempts, in_flight, streams)
