"""Everything that fastapi_esdb raises on purpose.

    EsdbError
    ├── CallerError                    the arguments, the settings or the place of the call must change
    │   ├── InvalidArgument            (a ValueError, too)
    │   ├── InvalidSettings            (a ValueError, too)
    │   │   └── InvalidConnectionString
    │   ├── MaximumAppendSizeExceeded, MaximumEventSizeExceeded, MissingMetadata
    │   ├── ReadOnlyConnection
    │   ├── ConsumerEnded              an event was to be acknowledged after its consumer had ended
    │   └── EsdbNotStarted, WrongEventLoop, UsedAfterFork, SeveralWorkers
    ├── ServerError                    the server understood and refused
    │   ├── WrongExpectedRevision, StreamNotFound, StreamDeleted
    │   ├── AccessDenied, NotAuthenticated, NotSupported
    │   ├── NotLeader, ServerNotReady, ServerBusy          (not executed: sent again within the deadline)
    │   ├── ServerShuttingDown         (the node ended a call that was under way)
    │   ├── GroupError: GroupNotFound, GroupExists, GroupFailed, GroupDropped, GroupFull
    │   ├── UserNotFound, UserConflict, ScavengeNotFound, ProjectionNotFound, ProjectionFailed
    │   ├── SchemaNotFound, SchemaExists, SchemaRefused
    │   ├── ConsistencyViolation, SessionRefused, IndexNotFound, IndexExists, InvalidTransaction
    │   ├── WriteFailed                (the embedded server's disk is full: nothing was written)
    │   └── BatchFailed, UnknownServerError
    ├── UnreadableEvent                a stored event is not as the app's event types say
    │   └── UnknownEventType, EventDoesNotFit
    └── NetworkError                   no usable answer
        ├── ConnectionClosed           there is no connection
        │   ├── AppStopping            the server of the app stops, so no subscription begins any more
        │   └── ClosedInFlight         it was closed on purpose while the call was in flight
        │       ├── SubscriptionClosed …the call of a subscription, with the position it had come to
        │       └── ConsumerClosed     …the call of a consumer of a persistent subscription
        ├── NoCredentials              the provider of credentials has none to give
        ├── NoUsableNode               no member of the cluster is what the node preference asks for
        ├── ConnectionRefused          no connection could be made
        │   ├── TlsFailed              …since there was no agreement on TLS
        │   └── HandshakeFailed        …since what answered hung up, was silent, or speaks something else
        ├── ConnectionLost, ServerTimeout, HandlerFailed, NoAnswer, TooManyStreams
        ├── DeadlineExceeded
        │   └── NotSentInTime          the deadline passed before the call could leave
        └── OutcomeUnknown             a write that may or may not have happened
            ├── AppendOutcomeUnknown   …an append, with the ids of its events
            └── WriteClosedInFlight, AppendClosedInFlight      (ClosedInFlight, too)

Each class has an `outcome`: not executed, answered, or unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.errors.events import EventDoesNotFit, UnknownEventType, UnreadableEvent
from fastapi_esdb.errors.network import (
    AppendClosedInFlight,
    AppendOutcomeUnknown,
    AppStopping,
    ClosedInFlight,
    ConnectionClosed,
    ConsumerClosed,
    HandshakeFailed,
    NoCredentials,
    NotSentInTime,
    NoUsableNode,
    OutcomeUnknown,
    SubscriptionClosed,
    TlsFailed,
    TooManyStreams,
    WriteClosedInFlight,
)
from fastapi_esdb.wire.errors import (
    AccessDenied,
    BatchFailed,
    CallerError,
    ConnectionLost,
    ConnectionRefused,
    ConsistencyViolation,
    DeadlineExceeded,
    EsdbError,
    GroupDropped,
    GroupError,
    GroupExists,
    GroupFailed,
    GroupFull,
    GroupNotFound,
    HandlerFailed,
    IndexExists,
    IndexNotFound,
    InvalidArgument,
    InvalidTransaction,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
    MissingMetadata,
    NetworkError,
    NoAnswer,
    NotAuthenticated,
    NotLeader,
    NotSupported,
    Outcome,
    ProjectionFailed,
    ProjectionNotFound,
    ScavengeNotFound,
    SchemaExists,
    SchemaNotFound,
    SchemaRefused,
    ServerBusy,
    ServerError,
    ServerNotReady,
    ServerShuttingDown,
    ServerTimeout,
    SessionRefused,
    SeveralWorkers,
    StreamDeleted,
    StreamNotFound,
    UnknownServerError,
    UserConflict,
    UserNotFound,
    Violation,
    WriteFailed,
    WrongExpectedRevision,
)

__all__ = [
    "AccessDenied",
    "AppStopping",
    "AppendClosedInFlight",
    "AppendOutcomeUnknown",
    "BatchFailed",
    "CallerError",
    "ClosedInFlight",
    "ConnectionClosed",
    "ConnectionLost",
    "ConnectionRefused",
    "ConsistencyViolation",
    "ConsumerClosed",
    "ConsumerEnded",
    "DeadlineExceeded",
    "EsdbError",
    "EsdbNotStarted",
    "EventDoesNotFit",
    "GroupDropped",
    "GroupError",
    "GroupExists",
    "GroupFailed",
    "GroupFull",
    "GroupNotFound",
    "HandlerFailed",
    "HandshakeFailed",
    "IndexExists",
    "IndexNotFound",
    "InvalidArgument",
    "InvalidConnectionString",
    "InvalidSettings",
    "InvalidTransaction",
    "MaximumAppendSizeExceeded",
    "MaximumEventSizeExceeded",
    "MissingMetadata",
    "NetworkError",
    "NoAnswer",
    "NoCredentials",
    "NoUsableNode",
    "NotAuthenticated",
    "NotLeader",
    "NotSentInTime",
    "NotSupported",
    "Outcome",
    "OutcomeUnknown",
    "ProjectionFailed",
    "ProjectionNotFound",
    "ReadOnlyConnection",
    "ScavengeNotFound",
    "SchemaExists",
    "SchemaNotFound",
    "SchemaRefused",
    "ServerBusy",
    "ServerError",
    "ServerNotReady",
    "ServerShuttingDown",
    "ServerTimeout",
    "SessionRefused",
    "SeveralWorkers",
    "StreamDeleted",
    "StreamNotFound",
    "SubscriptionClosed",
    "TlsFailed",
    "TooManyStreams",
    "UnknownEventType",
    "UnknownServerError",
    "UnreadableEvent",
    "UsedAfterFork",
    "UserConflict",
    "UserNotFound",
    "Violation",
    "WriteClosedInFlight",
    "WriteFailed",
    "WrongEventLoop",
    "WrongExpectedRevision",
]


@dataclass(eq=False)
class InvalidSettings(CallerError, ValueError):
    """A setting is missing or wrong; the message names it and says what would be right."""

    message: str

    def __str__(self) -> str:
        return self.message


class InvalidConnectionString(InvalidSettings):
    """A connection string can't be understood; the message names the part and never repeats the string."""


class ReadOnlyConnection(CallerError):
    """A write was asked of a connection that is set to read only; nothing was sent."""

    def __str__(self) -> str:
        return f"{self.args[0] if self.args else 'this call'} writes, and the connection is read only (ESDB_READ_ONLY)"


@dataclass(eq=False)
class EsdbNotStarted(CallerError):
    """The pool of that name was not opened by the app that handles the request."""

    name: str = "default"

    def __str__(self) -> str:
        return (
            f"the EventStoreDB pool {self.name!r} is not open. Any of these opens it: include its router in the app "
            "that the server runs (app.include_router(esdb_router)); wrap the app's lifespan with esdb_lifespan; in "
            "tests use `with TestClient(app)` or fastapi_esdb.testing.running(app), since TestClient without `with` "
            "and ASGITransport run no lifespan. Mounted sub-apps need it in the parent app"
        )


@dataclass(eq=False)
class WrongEventLoop(CallerError):
    """A pool was used on another event loop than the one it was opened on; the message says what to use instead."""

    message: str

    def __str__(self) -> str:
        return self.message


class UsedAfterFork(CallerError):
    """A pool was used in another process than the one it was opened in."""

    def __str__(self) -> str:
        return "this EventStoreDB pool was opened before a fork: open it in each worker, in the app's lifespan"


@dataclass(eq=False)
class ConsumerEnded(CallerError):
    """`ack` or `nack` was called on a consumer that is not in its group any more, or not yet; nothing was sent.

    Events that were not acknowledged before come again, to another consumer of the group.
    """

    stream: str
    group: str
    reason: str

    def __str__(self) -> str:
        return (
            f"the consumer of group {self.group!r} of {self.stream!r} {self.reason}, so the answer reaches nobody: "
            "what is not acknowledged comes again"
        )
