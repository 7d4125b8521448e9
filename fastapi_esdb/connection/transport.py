"""The interface of a transport: what a node needs of gRPC, however it is spoken.

A transport is one HTTP/2 connection to one host. It carries bytes and knows nothing of methods, nodes and retries. How
a call ends is raised: as `RpcFailed` where a status tells it, as an `EsdbError` where the transport knows it by itself
(the server can't be reached, the time was over before the call left, there is no answer). Keep-alive pings are the
transport's own business.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions
    from fastapi_esdb.wire.errors import EsdbError
    from fastapi_esdb.wire.headers import CallHeaders, Pair
    from fastapi_esdb.wire.status.codes import StatusCode

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of the largest message taken. Servers keep events of up to 16 MiB; lists of groups and pages have no bound."""

BROKEN = "the connection broke off"
"""The words for a connection that is lost, where nothing more is known."""

LARGEST_HEADERS = 1024 * 1024
"""Bytes of headers and trailers taken: errors come with the name of their stream, which may be long."""


class RpcFailed(Exception):
    """Raised for a call that has ended with another status than OK."""

    def __init__(self, code: StatusCode, details: str = "", trailers: Sequence[Pair] = ()) -> None:
        super().__init__(f"{code.name}: {details}" if details else code.name)
        self.code = code
        self.details = details
        self.trailers = tuple(trailers)


class Call(Protocol):
    """A call under way."""

    def cancel(self) -> None:
        """End the call, here and on the server; nothing happens if it has ended.

        Whoever waits for it, or looks at it later, gets `RpcFailed` with the code CANCELLED.
        """


class UnaryCall(Call, Protocol):
    """A call with one answer."""

    async def answer(self) -> bytes:
        """Wait for the answer. Raises `NoAnswer` for a call that ended well without one."""
        ...


class StreamingCall(Call, Protocol):
    """A call whose answers stream."""

    @property
    def is_bulk(self) -> bool:
        """Return whether its answers are received off the event loop."""
        ...

    @property
    def is_over(self) -> bool:
        """Return whether it is known that nothing is left to be read, since the call has ended well."""
        ...

    async def read(self, until: float = math.inf, least: int = 1, linger: float = math.inf) -> Sequence[bytes]:
        """Wait for the next answer; return it and those that have come with it, or nothing at the end of the call.

        Fewer than `least` may be held back until the end, until there is no room for more, or until the first of them
        is there for `linger` seconds (some times as long where answers come one by one). Raises TimeoutError at the
        moment `until` of the monotonic clock. What comes while nobody waits is for the next reader, as after one that
        was cancelled.
        """
        ...


class DuplexCall(StreamingCall, Protocol):
    """A call whose requests stream, too: in turn, by `write` and `read`, or both ways at once, by `exchange`."""

    async def write(self, request: bytes) -> None:
        """Send one more request, and wait until there is room for another; one task at a time may do so.

        Raises what the call has ended with, and `NoAnswer` if it has ended well.
        """

    async def exchange(self, requests: Callable[[], bytes | None], take: Callable[[Sequence[bytes]], None]) -> None:
        """Send what `requests` gives, and give answers to `take` as they come, until the call ends.

        `requests` is asked when there is room for another one, and must not raise anything. Where it has given `None`
        it is asked again after `send_more`. Raises what the call has ended with, and what `take` raises.
        """

    def send_more(self) -> None:
        """Have `requests` asked again."""


class Transport(Protocol):
    """One HTTP/2 connection to one host. A `timeout` is in seconds; `None` gives a call no end of its own."""

    @property
    def most_streams(self) -> int | None:
        """Return how many calls the server takes at a time; `None` if that is not known."""
        ...

    @property
    def is_leaving(self) -> bool:
        """Return whether the server has said that it wants no further calls here; False where that is not known."""
        ...

    @property
    def pinged_too_often(self) -> bool:
        """Return whether the server has complained about the keep-alive pings."""
        ...

    def unary(self, path: str, request: bytes, timeout: float | None, headers: CallHeaders) -> UnaryCall:
        """Begin a call with one request and one answer."""
        ...

    def client_stream(
        self, path: str, requests: Sequence[bytes], timeout: float | None, headers: CallHeaders
    ) -> UnaryCall:
        """Begin a call with several requests and one answer."""
        ...

    def server_stream(
        self,
        path: str,
        request: bytes,
        timeout: float | None,
        headers: CallHeaders,
        *,
        bulk: bool = False,
    ) -> StreamingCall:
        """Begin a call with one request and many answers.

        `bulk` says that so many are expected that it may pay to receive them off the event loop.
        """
        ...

    def duplex(self, path: str, timeout: float | None, headers: CallHeaders) -> DuplexCall:
        """Begin a call whose requests and answers stream."""
        ...

    async def ping(self, deadline: Deadline) -> float | None:
        """Return the seconds that a PING and its answer took, which is no call; `None` if it can't send any by itself.

        Raises `ConnectionLost` where no answer comes.
        """
        ...

    async def wait_lost(self) -> str:
        """Wait until there is no TCP connection, as far as can be seen: it was reset, closed, or a ping unanswered.

        Return the words for that. A server that says that it is leaving has not to be waited for any longer.
        """
        ...

    async def explain(self, error: EsdbError, deadline: Deadline) -> EsdbError:
        """Return the error of a first call, or what is behind it: some servers say only afterwards why they hang up."""
        ...

    async def close(self) -> None:
        """End the connection and every call on it, and wait until nothing is left of them."""


class OpenTransport(Protocol):
    """The way to make a transport."""

    async def __call__(
        self,
        host: Host,
        options: ConnectionOptions,
        deadline: Deadline,
        *,
        slowdown: int = 1,
        certified: str | None = None,
    ) -> Transport:
        """Return a transport to the host, which may connect with its first call.

        The deadline is that of the attempt to connect. `slowdown` multiplies the interval of keep-alive pings.
        `certified` is the name that the server's certificate must be for, if that is not the host's own. With `tls` in
        the options it is TLS or nothing. Raises `InvalidSettings` for a certificate file or a proxy that can't be used,
        and `ConnectionRefused` for a server that can't be reached.
        """
        ...


@cache
def user_agent() -> str:
    """Return what this client calls itself: name and version."""
    try:
        return f"fastapi-esdb/{version('fastapi-esdb')}"
    except PackageNotFoundError:
        return "fastapi-esdb/0"
