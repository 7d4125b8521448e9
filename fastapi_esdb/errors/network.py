"""What is raised where no usable answer came: there is no connection, it was lost, or the outcome is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_esdb.wire.errors import ConnectionRefused, DeadlineExceeded, NetworkError, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from fastapi_esdb.wire.positions import Edge, Position
    from fastapi_esdb.wire.revisions import Expected


class ConnectionClosed(NetworkError):
    """There is no connection to the server; the call was not sent."""

    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return "there is no connection to EventStoreDB"


class AppStopping(ConnectionClosed):
    """The server that runs the app has begun to stop: subscriptions of endpoints end, and none begins any more."""

    def __str__(self) -> str:
        return "the server that runs the app is stopping, so nothing is followed any more"


class ClosedInFlight(ConnectionClosed):
    """The connection was closed on purpose while the call was in flight."""

    outcome = Outcome.UNKNOWN

    def __str__(self) -> str:
        return "the connection to EventStoreDB was closed while the call was in flight"


@dataclass(eq=False)
class SubscriptionClosed(ClosedInFlight):
    """A subscription ended because the connection was closed on purpose.

    `after` is the last revision or position that it gave: subscribe after it to go on without a gap.
    """

    stream: str
    after: int | Position | Edge

    def __str__(self) -> str:
        return f"the connection was closed under the subscription to {self.stream!r}, which had come to {self.after!r}"


@dataclass(eq=False)
class ConsumerClosed(ClosedInFlight):
    """A consumer of a persistent subscription ended because the connection was closed on purpose."""

    stream: str
    group: str

    def __str__(self) -> str:
        return f"the connection was closed under the consumer of group {self.group!r} of {self.stream!r}"


@dataclass(eq=False)
class TlsFailed(ConnectionRefused):
    """The TLS handshake with the server failed; nothing was sent. `reason` says what to look at."""

    reason: str

    def __str__(self) -> str:
        return f"no TLS connection to the server: {self.reason}"


@dataclass(eq=False)
class HandshakeFailed(ConnectionRefused):
    """The one that answered is no EventStoreDB server, or not ready yet; nothing was sent. `reason` says what to do."""

    reason: str

    def __str__(self) -> str:
        return f"the server was reached, and {self.reason}"


@dataclass(eq=False)
class NoUsableNode(NetworkError):
    """Nodes of the cluster have answered, and none of those they named can be used.

    `preference` is the `nodePreference` that applied, `members` is how many nodes there are, alive or not.
    """

    preference: str
    members: int
    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        wanted = "one leader that answers" if self.preference == "leader" else "a node that is ready"
        return f"there is not {wanted} among the {self.members} nodes of the cluster (nodePreference={self.preference})"


class NotSentInTime(DeadlineExceeded):
    """The deadline passed while the call waited for a connection; it was not sent."""

    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return "the deadline of the call passed before it could be sent"


@dataclass(eq=False)
class TooManyStreams(NetworkError):
    """Every connection carries as many open streams as the settings allow, and no further one may be opened."""

    streams: int
    connections: int
    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return (
            f"{self.streams} streams are open on {self.connections} connections, which is the limit: "
            "raise ESDB_MAX_CONNECTIONS, or close subscriptions"
        )


@dataclass(eq=False)
class OutcomeUnknown(NetworkError):
    """A write got no answer: it may or may not have happened. `__cause__` is the error that came in its place."""

    stream: str

    def __str__(self) -> str:
        return f"whether the write to {self.stream!r} happened is not known"


class WriteClosedInFlight(OutcomeUnknown, ClosedInFlight):
    """A delete or tombstone that was in flight when the connection was closed on purpose."""

    __str__ = OutcomeUnknown.__str__


@dataclass(eq=False)
class AppendOutcomeUnknown(OutcomeUnknown):
    """An append got no answer, and the client could not find out in time, or at all, whether it happened.

    `found` says what was found out by then, if anything. Reading the stream may tell more: look for the `ids`.
    Appending again with the same ids and the same explicit revision is safe; with `ANY` it may store them twice.
    """

    expected: Expected
    ids: Sequence[UUID]
    found: str = ""

    def __str__(self) -> str:
        what = f"whether the append of {len(self.ids)} events to {self.stream!r} happened is not known"
        return f"{what}: {self.found}" if self.found else what


class AppendClosedInFlight(AppendOutcomeUnknown, ClosedInFlight):
    """An append that was in flight when the connection was closed on purpose."""

    __str__ = AppendOutcomeUnknown.__str__


@dataclass(eq=False)
class NoCredentials(NetworkError):
    """The provider of credentials failed, so the call was not sent. `reason` says how; `__cause__` is its own error."""

    reason: str
    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return f"the provider of credentials {self.reason}, so the call was not sent"
