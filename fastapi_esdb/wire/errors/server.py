"""Refusals of a server: it understood the call and did not carry it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from fastapi_esdb.wire.errors.kinds import CalledAs, Outcome, ServerError

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.wire.revisions import Expected


@dataclass(eq=False)
class WrongExpectedRevision(ServerError):
    """The stream is not at the revision that the caller expected.

    `actual` is `NO_STREAM` for a stream without events, and `None` if the server does not say where the stream is.
    """

    stream: str
    expected: Expected | None
    actual: Expected | None

    def __str__(self) -> str:
        return f"stream {self.stream!r} was expected at {self.expected!r} and is at {self.actual!r}"


@dataclass(eq=False)
class StreamNotFound(ServerError):
    """The stream has no events, or it is soft-deleted."""

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} does not exist"


@dataclass(eq=False)
class StreamDeleted(ServerError):
    """The stream is tombstoned, or it is soft-deleted and was expected to exist.

    Of an `append_streams`, real servers name a stream that was not as expected if *another one* of the same append is
    deleted (protocol 12.8): look at all of them.
    """

    stream: str

    def __str__(self) -> str:
        return f"stream {self.stream!r} is deleted"


class AccessDenied(ServerError):
    """The user, or a caller without credentials, may not do this. `called_as` says whose credentials were used.

    `needs` says who may, for calls about which that is known: those about indexes, and reads of indexes.
    """

    called_as: CalledAs | None = None
    needs: str = ""

    def __str__(self) -> str:
        who = self.called_as.value if self.called_as else "these credentials (or none)"
        denied = f"access denied: the right to do this is not given to {who}"
        return f"{denied}; {self.needs}" if self.needs else denied


class NotAuthenticated(ServerError):
    """The credentials are wrong, or the user is disabled. A node that is still starting says so, too.

    `called_as` says whose credentials were used.
    """

    called_as: CalledAs | None = None

    def __str__(self) -> str:
        return f"the server does not accept {self.called_as.value if self.called_as else 'these credentials'}"


@dataclass(eq=False)
class NotSupported(ServerError):
    """The server does not have this call."""

    method: str = ""
    since: str = ""

    def __str__(self) -> str:
        brings = f"; servers have it from {self.since} on" if self.since else ""
        return f"the server does not support {self.method or 'this call'}{brings}"


class WriteFailed(ServerError):
    """The embedded server could not write to its disk, most often because it is full: nothing was written."""

    def __str__(self) -> str:
        return (
            "the server could not write to its disk, which may be full (its log says what is wrong): nothing of the "
            "write happened, and writes work again when there is room"
        )


class InvalidTransaction(ServerError):
    """The append does not fit into a chunk of the server's log."""

    def __str__(self) -> str:
        return "the append is too large for one transaction of the server"


@dataclass(eq=False)
class IndexNotFound(ServerError):
    """There is no such index: it was never created, it is deleted or, where it should be read, it is stopped."""

    index: str

    def __str__(self) -> str:
        return f"the server has no index {self.index!r}, or it is stopped"


@dataclass(eq=False)
class IndexExists(ServerError):
    """There is an index of that name with another filter, other fields, or in another state than the one to create."""

    index: str

    def __str__(self) -> str:
        return f"there is another index {self.index!r}: delete it first, or give this one another name"


@dataclass(eq=False)
class SchemaNotFound(ServerError):
    """There is no such schema in the registry, or no such version of it; `kind` is `"SchemaVersion"` for that.

    `wanted` tells which version of the schema was looked for, where that was not one by its id.
    """

    schema: str
    kind: str = ""
    wanted: str = ""

    def __str__(self) -> str:
        if self.wanted:
            return f"the registry has no version of {self.schema!r} {self.wanted}"
        return f"the registry has no {'version' if self.kind == 'SchemaVersion' else 'schema'} {self.schema!r}"


@dataclass(eq=False)
class SchemaExists(ServerError):
    """There is a schema of that name, or there was one: the name of a deleted one can't be used again."""

    schema: str

    def __str__(self) -> str:
        return f"there is a schema {self.schema!r}, or there was one: register another version, or take another name"


@dataclass(eq=False)
class SchemaRefused(ServerError):
    """The registry did not take a version: it is not compatible, or has not changed. `reason` is the server's text."""

    reason: str
    schema: str = ""

    def __str__(self) -> str:
        about = f" {self.schema!r}" if self.schema else ""
        return f"the registry refused{about}: {self.reason}"


@dataclass(eq=False)
class GroupError(ServerError):
    """A call about a persistent subscription was refused."""

    stream: str
    group: str
    what: ClassVar[str] = "failed"

    def __str__(self) -> str:
        return f"persistent subscription {self.group!r} of stream {self.stream!r}: {self.what}"


class GroupNotFound(GroupError):
    """There is no such persistent subscription."""

    what = "does not exist"


class GroupExists(GroupError):
    """The persistent subscription exists already."""

    what = "exists already"


class GroupDropped(GroupError):
    """The server disconnected the consumers of a group: the group was changed or deleted, or the leader changed."""

    what = "the server dropped its consumers"


class GroupFull(GroupError):
    """The group has as many consumers as it allows."""

    what = "has its maximum of consumers"


@dataclass(eq=False)
class GroupFailed(GroupError):
    """A persistent subscription could not be created, changed or started; `reason` is the text of the server."""

    reason: str

    def __str__(self) -> str:
        return f"{super().__str__()}: {self.reason}"


@dataclass(eq=False)
class UserNotFound(ServerError):
    """There is no such user."""

    login: str

    def __str__(self) -> str:
        return f"there is no user {self.login!r}"


@dataclass(eq=False)
class UserConflict(ServerError):
    """The user exists with other details; or, with `try_again`, two changes met and the call should be repeated."""

    login: str
    try_again: bool = False

    def __str__(self) -> str:
        return f"user {self.login!r} conflicts with what the server has" + ("; try again" if self.try_again else "")


@dataclass(eq=False)
class ScavengeNotFound(ServerError):
    """The scavenge is not running; `running` is the id of the one that is, if any."""

    running: str = ""

    def __str__(self) -> str:
        return f"that scavenge is not running{f', {self.running} is' if self.running else ''}"


@dataclass(eq=False)
class ProjectionNotFound(ServerError):
    """There is no such projection; `message` is the text of the server."""

    message: str

    def __str__(self) -> str:
        return self.message or "there is no such projection"


@dataclass(eq=False)
class ProjectionFailed(ServerError):
    """The projection subsystem refused; `word` is its reason: Conflict, OperationFailed, NotAuthorized…"""

    word: str

    def __str__(self) -> str:
        return f"the projection subsystem answered {self.word}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A check of an atomic append that failed.

    The states are revisions, or negative numbers of the protocol: -1 no stream, -2 any, -4 exists, -5 soft-deleted,
    -6 tombstoned.
    """

    check_index: int
    stream: str
    expected: int
    actual: int


@dataclass(eq=False)
class ConsistencyViolation(ServerError):
    """Checks of an atomic append failed, and `violations` has all of them. Nothing was written."""

    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        failed = "; ".join(
            f"{one.stream!r} was expected at {_told(one.expected)} and is at {_told(one.actual)}"
            for one in self.violations
        )
        return failed or "checks of the append failed, and the server did not say which"


def _told(state: int) -> str:
    """Return a revision, or the words for a number of the protocol."""
    words = {-1: "NO_STREAM", -2: "ANY", -4: "STREAM_EXISTS", -5: "its deletion", -6: "its tombstone"}
    return words.get(state, str(state))


@dataclass(eq=False)
class SessionRefused(ServerError):
    """An append session named a stream twice, or had no request. `reason` is the name that the protocol has for it."""

    reason: str
    stream: str = ""

    def __str__(self) -> str:
        return f"the append session was refused: {self.reason}" + (f" (stream {self.stream!r})" if self.stream else "")


@dataclass(eq=False)
class UnknownServerError(ServerError):
    """An error that this client does not know; `code` is the name of the gRPC status."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(eq=False)
class NotLeader(ServerError):
    """The node is not the leader. `host`, `port` and, for v2 calls, `node_id` name the leader if the node knows it."""

    host: str = ""
    port: int = 0
    node_id: str = ""
    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return "this node is not the leader of the cluster"


class ServerNotReady(ServerError):
    """The node is starting, stopping or without a leader."""

    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return "the server is not ready"


class ServerShuttingDown(ServerError):
    """The node shuts down and has ended the call, which was under way: a write in it may have happened."""

    outcome = Outcome.UNKNOWN

    def __str__(self) -> str:
        return "the server is shutting down"


class ServerBusy(ServerError):
    """The node has too much to do."""

    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return "the server is too busy"


@dataclass(eq=False)
class BatchFailed(ServerError):
    """A batch failed in the server (BadRequest, InternalError, Unknown…); `message` is the text of the server."""

    message: str
    correlation_id: UUID | None = None
    outcome = Outcome.UNKNOWN

    def __str__(self) -> str:
        return f"the server failed the batch: {self.message}"
