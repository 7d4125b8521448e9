"""What is chosen by a name: the kind of node that is asked first, and how appends travel."""

from __future__ import annotations

from enum import StrEnum


class AppendMode(StrEnum):
    """The way that appends of a pool travel to the server. docs/concepts/appends.md says what each way gives up."""

    SHARED = "shared"
    """Over a few BatchAppend calls that stay open, each with an answer of its own."""
    GROUPED = "grouped"
    """Those that wait while an AppendRecords call is in flight go together in the next."""
    SINGLE = "single"
    """Each in an Append call of its own."""


class TransportKind(StrEnum):
    """The HTTP/2 that calls go over, as `transport` in a connection string names it."""

    GRPCIO = "grpcio"
    """That of grpcio."""
    HTTP2 = "http2"
    """Our own."""

    @classmethod
    def _missing_(cls, value: object) -> TransportKind | None:
        name = str(value).lower()
        return next((member for member in cls if member.value == name), None)


class NodePreference(StrEnum):
    """The role of the node that reads and subscriptions go to, as `nodePreference` in a connection string names it.

    `NodePreference("Read-Only_Replica")` works: case, `_` and `-` don't matter, as in the official Node.js client.
    """

    LEADER = "leader"
    """The node that takes writes."""
    FOLLOWER = "follower"
    """A node that votes and follows the leader; it refuses what requires the leader."""
    RANDOM = "random"
    """Any node that can answer."""
    READ_ONLY_REPLICA = "readonlyreplica"
    """A node that only copies; it has no vote."""

    @classmethod
    def _missing_(cls, value: object) -> NodePreference | None:
        name = str(value).lower().replace("_", "").replace("-", "")
        return next((member for member in cls if member.value == name), None)
