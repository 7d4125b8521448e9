"""What every part of the API is made on: the carrier of its calls, their options, and calls that write or list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

from fastapi_esdb.api.stop import Stop
from fastapi_esdb.connection.caller import MOST_ANSWERS, Caller, CallOptions, Stream
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, OutcomeUnknown, WriteClosedInFlight
from fastapi_esdb.pool.resolution_state import NewestPosition, StreamLocks
from fastapi_esdb.settings.credentials import AnyCredentials
from fastapi_esdb.wire.errors import EsdbError, NoAnswer, Outcome

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.wire.method import Method, Request, Response

Answer = TypeVar("Answer")


class Carrier(Caller, Protocol):
    """A caller that comes back by itself after its connections were lost."""

    @property
    def is_connected(self) -> bool:
        """True while there is a connection that a call could leave on."""
        ...

    @property
    def is_closed(self) -> bool:
        """True once it was closed on purpose, until someone connects it again."""
        ...

    @property
    def retry_unknown(self) -> bool:
        """True if appends whose answer is lost are resolved, unless the call says otherwise."""
        ...

    @property
    def seen(self) -> NewestPosition:
        """The newest position that this client has seen in the database."""
        ...

    @property
    def stream_locks(self) -> StreamLocks:
        """The locks of streams, held by those who resolve what has become of an append."""
        ...

    @property
    def schema_ids(self) -> dict[str, UUID]:
        """The versions of their schemas that events of these types name."""
        ...

    @property
    def deadline(self) -> float:
        """The seconds that a call has without a `timeout` of its own."""
        ...

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Return as soon as there is a connection.

        Raises `ConnectionClosed` when `timeout` seconds (`None`: the deadline's) are over, and when it is closed.
        """
        ...

    def at_leader(self, options: CallOptions) -> AbstractAsyncContextManager[Caller]:
        """Return a carrier of calls over one connection to the leader, found within the `timeout` of the options.

        When it is lost they fail, and are not made again.
        """
        ...


class CarrierView:
    """All of another `Carrier` but its calls."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    @property
    def is_connected(self) -> bool:
        """See `Carrier.is_connected`."""
        return self._carrier.is_connected

    @property
    def is_closed(self) -> bool:
        """See `Carrier.is_closed`."""
        return self._carrier.is_closed

    @property
    def retry_unknown(self) -> bool:
        """See `Carrier.retry_unknown`."""
        return self._carrier.retry_unknown

    @property
    def seen(self) -> NewestPosition:
        """See `Carrier.seen`."""
        return self._carrier.seen

    @property
    def stream_locks(self) -> StreamLocks:
        """See `Carrier.stream_locks`."""
        return self._carrier.stream_locks

    @property
    def schema_ids(self) -> dict[str, UUID]:
        """See `Carrier.schema_ids`."""
        return self._carrier.schema_ids

    @property
    def deadline(self) -> float:
        """See `Carrier.deadline`."""
        return self._carrier.deadline

    async def wait_connected(self, timeout: float | None = None) -> None:
        """See `Carrier.wait_connected`."""
        await self._carrier.wait_connected(timeout)


class ConnectionPart:
    """Calls over one carrier. Those without an end of their own end when `stop` is set."""

    def __init__(self, carrier: Carrier, stop: Stop | None = None) -> None:
        self._carrier = carrier
        self._stop = stop or Stop()


async def reconnected(carrier: Carrier) -> None:
    """Return when there is a connection, or will be none since it was closed on purpose."""
    while not (carrier.is_connected or carrier.is_closed):
        with suppress(ConnectionClosed):
            await carrier.wait_connected()


class Options(TypedDict, total=False):
    """The options that every call takes.

    `timeout` (seconds) bounds everything in the call: waiting for a connection, retries, the answer; left out, the
    settings' deadline does. `credentials` stand in for the connection's own. `requires_leader` makes a node that is
    not the leader of its cluster refuse: left out, it does so for writes; `False` has the node that the settings
    prefer pass them on.
    """

    timeout: float | None
    credentials: AnyCredentials | None
    requires_leader: bool | None


@contextmanager
def map_unknown_outcome(unknown: Callable[[EsdbError], OutcomeUnknown]) -> Iterator[None]:
    """Raise what leaves the outcome open as the error that `unknown` makes of it, from its cause."""
    try:
        yield
    except EsdbError as error:
        if error.outcome is not Outcome.UNKNOWN:
            raise
        raise unknown(error) from error


async def write(
    caller: Caller, method: Method[Request, Response], request: Request, subject: str, options: CallOptions
) -> Response:
    """Make a unary call that changes `subject`. Raises `OutcomeUnknown` where the answer is lost."""

    def unknown(cause: EsdbError) -> OutcomeUnknown:
        kind = WriteClosedInFlight if isinstance(cause, ClosedInFlight) else OutcomeUnknown
        return kind(subject)

    with map_unknown_outcome(unknown):
        return await caller.call(method, request, options)


async def listed(answers: Stream[Any, Answer]) -> tuple[Answer, ...]:
    """Return all answers of a call that lists something. Raises `NoAnswer` for a list that is too long to be true."""
    found = tuple(await answers.read(whole=MOST_ANSWERS))
    if len(found) >= MOST_ANSWERS:
        raise NoAnswer(f"it has {MOST_ANSWERS} parts, and more to come")
    return found
