"""The calls that the typed API makes, whoever carries them: one connection or a pool."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from fastapi_esdb.connection.deadline import seconds
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.credentials import AnyCredentials
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS
from fastapi_esdb.wire.errors import InvalidArgument, NotSupported
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.method import Method, Request, Response

if TYPE_CHECKING:
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

MOST_ANSWERS = 100_000
"""Answers that are taken together: of users, and of projections, there are not as many."""

Sent_contra = TypeVar("Sent_contra", contravariant=True)
Received_co = TypeVar("Received_co", covariant=True)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The choices for one call.

    `timeout` (seconds) bounds the whole call: waiting for a connection, retries and the answer; `None` takes the
    settings' deadline. `credentials` stand in for the connection's own. `requires_leader` asks followers to refuse;
    `None` does so for writes. `read_preference` is the kind of node that a stream is read at in a
    cluster; `None` takes the settings'. With `leaves_time` the answer of a write is waited for half of the time that is
    left when it is sent, so that there is some to find out what has become of one without an answer.
    """

    timeout: float | None = None
    credentials: AnyCredentials | None = None
    requires_leader: bool | None = None
    read_preference: NodePreference | None = None
    leaves_time: bool = False

    @classmethod
    def of(
        cls,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
        read_preference: NodePreference | None = None,
    ) -> CallOptions:
        """Return the options that a user has chosen. Raises `InvalidArgument` for what none of them can be."""
        if (timeout, credentials, requires_leader, read_preference) == _NOTHING_CHOSEN:
            return DEFAULT_OPTIONS
        if not isinstance(credentials, AnyCredentials | None):  # the value is not shown: it may hold a password
            wanted = f"credentials must be Credentials or a BearerToken, not {type(credentials).__name__}"
            provided = ": give a provider to bound(credentials=…)" if callable(credentials) else ""
            raise InvalidArgument(wanted + provided)
        if requires_leader not in (True, False, None):
            raise InvalidArgument(f"requires_leader must be True, False or None, not {quoted(requires_leader)}")
        if read_preference not in (None, *NodePreference):
            raise InvalidArgument(f"read_preference must be a NodePreference or None, not {quoted(read_preference)}")
        seconds_left = None if timeout is None else seconds(timeout, "timeout")
        return cls(seconds_left, credentials, requires_leader, read_preference)


_NOTHING_CHOSEN = (None, None, None, None)
DEFAULT_OPTIONS = CallOptions()


class Stream(Protocol[Sent_contra, Received_co]):
    """A streaming call, which begins when its context is entered or something is read. Its errors are `EsdbError`s.

    A reader that is cancelled loses nothing: what comes is for the next one.
    """

    @property
    def is_bulk(self) -> bool:
        """Return whether its answers are received off the event loop."""
        ...

    async def read(self, whole: int = 0) -> Sequence[Received_co]:
        """Return the answers that have come, at least one; none when the call has ended.

        With `whole`, for a call that has few, return all of them, though not more than so many: it is made again until
        it comes to its end, within its deadline.
        """
        ...

    async def send(self, request: Sent_contra) -> None:
        """Send one more request; one task at a time may do so."""

    def close(self) -> None:
        """End the call, on the server too, as leaving its context does."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...


async def ping(caller: Caller, timeout: float | None) -> None:
    """Wait until the server has answered a cheap call within `timeout` seconds. Raises what goes wrong."""
    with suppress(NotSupported):
        await caller.call(SUPPORTED_METHODS, None, CallOptions(timeout=timeout))


class Caller(Protocol):
    """Carries calls. Every call has a deadline, and none raises anything but `EsdbError` and `CancelledError`."""

    async def call(
        self, method: Method[Request, Response], request: Request, options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """Make a unary call."""
        ...

    async def send(
        self, method: Method[Request, Response], requests: Sequence[Request], options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """Make a call that streams its requests and has one answer."""
        ...

    async def append(self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS) -> AppendResult:
        """Append events to a stream, in a call of its own or in one shared with others.

        Raises `WrongExpectedRevision` where the stream is elsewhere.
        """
        ...

    def stream(
        self,
        method: Method[Request, Response],
        requests: Sequence[Request],
        options: CallOptions = DEFAULT_OPTIONS,
        *,
        long_lived: bool = False,
        bulk: bool = False,
    ) -> Stream[Request, Response]:
        """Make a call whose answers stream; leaving the context cancels it on the server.

        With an explicit `timeout` the whole stream ends then. Without one, the wait for each answer is bounded by
        the settings' deadline, except that a `long_lived` call (a subscription) may wait for ever after its first
        answer. Long-lived calls are counted, so that no connection fills up with them. A `bulk` call is expected to
        have many answers, which are received in batches off the event loop as long as there is room for that.
        """
        ...
