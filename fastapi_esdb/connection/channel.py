"""One HTTP/2 connection to one host and the calls on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fastapi_esdb.errors import ClosedInFlight
from fastapi_esdb.settings.hosts import is_loopback
from fastapi_esdb.wire.errors import ConnectionLost, EsdbError

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.transport import Call, Transport
    from fastapi_esdb.settings.hosts import Host

T = TypeVar("T")


class ChannelListener(Protocol):
    """Is told what happens to a channel."""

    @property
    def is_suspect(self) -> bool:
        """Return whether a call has just been lost, and the server is being asked if it is still there."""

    def suspect(self, channel: Channel, *, lost: bool) -> None:
        """Take note that a call on it was `lost`, or not answered in time: the server may be gone."""

    def released(self, channel: Channel) -> None:
        """Take note that a call on it has ended."""

    def gone(self, channel: Channel) -> None:
        """Take note that it is closed."""


@dataclass(frozen=True, slots=True)
class Late:
    """A call of `tell` that happens when another one is not answered `after` so many seconds."""

    after: float
    tell: Callable[[], None]


class Channel:
    """A transport that counts its calls, and closes when it is retired and the last of them has ended."""

    def __init__(self, transport: Transport, host: Host, listener: ChannelListener, *, is_encrypted: bool) -> None:
        self.transport = transport
        self.host = host
        self.takes_credentials = is_encrypted or is_loopback(host)
        """Whether nobody else can read them on the way, or that is said to do no harm."""
        self.lacks: frozenset[str] = frozenset()
        """Paths of the calls that the server has refused as unknown; the prefix of indexes where it makes none."""
        self.offers: frozenset[str] = frozenset()
        """Keys of the calls that the server says it has; none where it does not say."""
        self._listener = listener
        self.in_flight = 0
        """The number of calls on it, long-lived ones among them."""
        self._leases: set[Lease] = set()
        self._long_lived = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._retired = False
        self._closing: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    @property
    def streams(self) -> int:
        """Return the number of long-lived calls on it."""
        return self._long_lived

    @property
    def takes_calls(self) -> bool:
        """Return whether it is one for new calls: neither on its way out nor suspect."""
        return not self._retired and not self._listener.is_suspect

    def lease(self, long_lived: bool = False) -> Lease:
        """Return a lease for one call, which counts from now until its release."""
        lease = Lease(self, long_lived)
        self.take(lease)
        return lease

    def take(self, lease: Lease) -> None:
        """Count a lease, perhaps not for the first time."""
        self._leases.add(lease)
        self.in_flight = len(self._leases)
        self._long_lived += lease.long_lived

    def release(self, lease: Lease) -> None:
        """Give a lease back; once is enough and more does no harm."""
        if lease not in self._leases:
            return
        self._leases.discard(lease)
        self.in_flight = len(self._leases)
        self._long_lived -= lease.long_lived
        if self._retired:
            self._close_if_done()
        self._listener.released(self)

    def suspect(self, *, lost: bool) -> None:
        """Say that a call was `lost`, or was not answered in time."""
        self._listener.suspect(self, lost=lost)

    def retire(self) -> None:
        """Close it once its last call has ended. Long-lived ones end when the server is gone, or is about to go."""
        if self._long_lived and not self._retired:
            self.run(self._end_long_lived(), "esdb-leaving")
        self._retired = True
        self._close_if_done()

    def force_close(self) -> None:
        """Close it now. Each call in flight fails with `ClosedInFlight`."""
        self._retired = True
        for lease in list(self._leases):
            lease.cancel()
        self._start_closing()

    def give_up(self) -> None:
        """End the calls on it, each with `ConnectionLost`."""
        for lease in list(self._leases):
            lease.cancel(ConnectionLost)

    def run(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start a task that ends with the channel at the latest."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait_closed(self) -> None:
        """Wait until nothing is left of it."""
        await self._closed.wait()

    async def ping(self, deadline: Deadline) -> float | None:
        """Return the seconds that a PING took; `None` where the transport can't send one. Raises `ConnectionLost`."""
        return await self.transport.ping(deadline)

    async def wait_lost(self) -> str:
        """Wait until there is no TCP connection, as far as can be seen: it was reset, closed, or a ping unanswered."""
        return await self.transport.wait_lost()

    async def _end_long_lived(self) -> None:
        """A server that shuts down lets its calls run for some seconds, but tells subscriptions nothing more."""
        await self.wait_lost()
        if self._closing is None:
            for lease in list(self._leases):
                if lease.long_lived:
                    lease.cancel(ConnectionLost)

    def _close_if_done(self) -> None:
        if self._retired and not self._leases:
            self._start_closing()

    def _start_closing(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(), name="esdb-channel-close")

    async def _close(self) -> None:
        try:
            await self.transport.close()
            await self._stop_tasks()
        finally:
            self._closed.set()
            self._listener.gone(self)

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Lease:
    """The right to one call on a channel. A context manager that gives it back."""

    __slots__ = ("_call", "_reminder", "cancelled", "channel", "late", "long_lived")

    def __init__(self, channel: Channel, long_lived: bool) -> None:
        self.channel = channel
        self.long_lived = long_lived
        self.cancelled: type[EsdbError] | None = None
        """What its call ends with if it was cancelled on purpose: by a close, of the channel or of the call itself."""
        self.late: Late | None = None
        """What happens if the call takes longer than it should."""
        self._reminder: asyncio.TimerHandle | None = None
        self._call: Call | None = None

    def hold(self, call: Call) -> None:
        """Keep the call, so that a forced close of the channel reaches it also while nobody awaits it."""
        self._call = call

    def watch(self, late: Late) -> None:
        """Have that happen unless the lease is released in time."""
        self.late = late
        self._reminder = asyncio.get_running_loop().call_later(late.after, late.tell)

    def cancel(self, kind: type[EsdbError] = ClosedInFlight) -> None:
        """Cancel the call, here and on the server, and have it fail so; nothing happens if it has ended."""
        self.cancelled = kind
        self.end_call()

    def end_call(self) -> None:
        """Cancel the call, here and on the server; nothing happens if it has ended."""
        if self._call is not None:
            self._call.cancel()

    def end(self) -> None:
        """Give the lease back, and cancel the call, here and on the server, unless it has ended."""
        self.cancel()
        self.release()

    def take(self, call: Call) -> None:
        """Take the lease again after a release, for the same call."""
        self._call = call
        self.channel.take(self)

    def release(self) -> None:
        """Give the lease back, and let go of the call: it would hold the TCP connection open."""
        self._call = None
        if self._reminder is not None:
            self._reminder.cancel()
        self.channel.release(self)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
