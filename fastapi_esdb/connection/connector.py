"""Trying to connect until a server answers: with which options, to which host, and how often."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from fastapi_esdb.connection.admission import greet
from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.channel import Channel, ChannelListener
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.preflight import offered
from fastapi_esdb.connection.provided import ask
from fastapi_esdb.connection.proxy import naming, proxy_for
from fastapi_esdb.connection.rpc_errors import explain
from fastapi_esdb.connection.state import Admission
from fastapi_esdb.connection.transports import open_transport
from fastapi_esdb.errors import NoCredentials
from fastapi_esdb.log import log
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import unreadable

if TYPE_CHECKING:
    from fastapi_esdb.settings.credentials import AnyCredentials, Credentials, CredentialsProvider
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.admin.cluster import SupportedMethods

FIRST_TIMEOUT = 1.0
"""Seconds that a node of a cluster has for its first answer, the first time; a few ms are usual."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The way a connection connects: the options of the connection string and the pace of the attempts.

    `connect_timeout` (seconds) bounds one attempt, up to the server's first answer. The first of several attempts are
    given `first_timeout` and then twice as much each time: where there are other nodes to go to, one that is mute shall
    not hold a connection up. The server is greeted with the `credentials`, or with those of the `provider` if there is
    one. With `allow_insecure_credentials` they may travel in plain text.
    """

    options: ConnectionOptions = field(default_factory=ConnectionOptions)
    backoff: Backoff = field(default_factory=Backoff)
    connect_timeout: float = 5.0
    first_timeout: float = math.inf
    allow_insecure_credentials: bool = False
    credentials: Credentials | None = None
    provider: CredentialsProvider | None = None

    @classmethod
    def from_settings(cls, settings: EsdbSettings) -> NodeOptions:
        """Return the part of the settings that one connection needs."""
        backoff = Backoff(settings.retry_interval, settings.retry_interval_max, settings.retry_jitter)
        return cls(
            settings.target.options,
            backoff,
            settings.connect_timeout,
            allow_insecure_credentials=settings.allow_insecure_credentials,
            credentials=settings.target.credentials,
            provider=settings.provider,
        )

    @classmethod
    def in_a_cluster(cls, settings: EsdbSettings) -> NodeOptions:
        """Return the same where discovery says where to go, and when."""
        return replace(cls.from_settings(settings), backoff=Backoff(0.0, 0.0), first_timeout=FIRST_TIMEOUT)

    async def caller(self, deadline: Deadline) -> AnyCredentials | None:
        """Return the credentials that the server is greeted with, none where the provider fails."""
        if self.provider is None:
            return self.credentials
        try:
            return await ask(self.provider, None, deadline.halved(monotonic()))
        except NoCredentials as error:
            log.warning("no_credentials", explain(error), reason=explain(error))
            return None

    def timeouts(self) -> Iterator[float]:
        """Yield the seconds that each attempt may take, without end."""
        return Backoff(min(self.first_timeout, self.connect_timeout), self.connect_timeout).delays()


MOST_FAILURES = 20
"""Ways to fail that are told; more of them are variations that tell nothing."""


class Failures:
    """Which ways to fail have been told: each is worth one warning until all is well."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def is_new(self, failure: str) -> bool:
        """Return whether this one has not been told yet; from now on it counts as told."""
        if failure in self._told or len(self._told) == MOST_FAILURES:
            return False
        self._told.add(failure)
        return True

    def over(self) -> None:
        """Take note that all is well: what fails from now on is new."""
        self._told.clear()


class Endpoint:
    """A host, and what the connections of a pool share about it.

    Who tries to connect holds `knock` during the attempt and the pause after it, so that the host sees one attempt
    in each interval, however many connections want to go there.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.knock = asyncio.Lock()
        self.failures = Failures()
        self.answered_at = -math.inf
        """When it answered an attempt of any of them last, on the monotonic clock."""


class Hosts(Protocol):
    """The hosts that the connections of a pool go to. Shared by all of them."""

    async def next_endpoint(self) -> Endpoint:
        """Wait until there is a host worth a try, and return it."""
        ...

    def accepts(self, host: Host) -> bool:
        """Return whether the host, now that it has answered, is still one to use."""
        ...

    def failed(self, host: Host) -> None:
        """Take note that an attempt to connect to the host has failed."""

    def suspect(self, host: Host) -> None:
        """Take note that a connection to the host was lost, or that something else speaks against it."""


class Pinned:
    """One host, whatever happens to it."""

    def __init__(self, host: Host) -> None:
        self._endpoint = Endpoint(host)

    async def next_endpoint(self) -> Endpoint:
        """Return the one host."""
        return self._endpoint

    def accepts(self, host: Host) -> bool:  # noqa: ARG002 - there is one
        """Return True: there is no other."""
        return True

    def failed(self, host: Host) -> None:
        """Do nothing: there is no other."""

    def suspect(self, host: Host) -> None:
        """Do nothing: there is no other."""


PATIENCE = 1.0
"""Seconds that a server has to say why it hangs up."""


class Connector:
    """Makes channels whose server has answered; one task at a time uses it. `tell` is called after each attempt."""

    def __init__(self, name: str, options: NodeOptions, hosts: Hosts, tell: Callable[[], None]) -> None:
        self.attempts = 0
        """Attempts since the last `reset`."""
        self.ended = 0
        """Attempts that have ended, ever."""
        self.last_error: EsdbError | None = None
        """What the latest attempt failed with; `None` after one that did not fail."""
        self.server: SupportedMethods | None = None
        """What the server that was reached last told of itself."""
        self.admission = Admission.GRANTED
        """Whether it lets the pool's calls in."""
        self._name = name
        self._options = options
        self._hosts = hosts
        self._tell = tell
        self._slowdown = 1
        self._hurry = asyncio.Event()
        self._failed: tuple[Endpoint, float] | None = None
        """Where and when an attempt failed last."""

    @property
    def is_promising(self) -> bool:
        """Return whether the latest attempt did not fail, or its host has answered another connection since."""
        if self.last_error is None:
            return True
        return self._failed is not None and self._failed[1] < self._failed[0].answered_at

    def reset(self) -> None:
        """Count the attempts from zero again."""
        self.attempts = 0

    def broke_off(self, error: Exception) -> None:
        """Take note that an attempt has ended with what nobody foresaw."""
        self.last_error, self._failed = unreadable(error), None
        self._end()

    def hurry(self) -> None:
        """Cut the present pause between two attempts short."""
        self._hurry.set()

    def ping_less(self) -> None:
        """Double the interval of keep-alive pings on channels to come, since the server complained about them."""
        self._slowdown *= 2

    async def connect(self, listener: ChannelListener) -> Channel:
        """Try, with pauses, until a server answers; return the channel to it."""
        delays, timeouts = self._options.backoff.delays(), self._options.timeouts()
        while True:
            endpoint = await self._hosts.next_endpoint()
            async with endpoint.knock:
                if channel := await self._attempt(endpoint, listener, next(timeouts)):
                    return channel
                await self._pause(next(delays))

    async def try_once(self, listener: ChannelListener) -> Channel | None:
        """Try once, without a pause; return `None` if that failed, or if there was no host to try in time."""
        try:
            async with asyncio.timeout(self._options.connect_timeout):
                endpoint = await self._hosts.next_endpoint()
        except TimeoutError:
            self._end()
            return None
        async with endpoint.knock:
            return await self._attempt(endpoint, listener, self._options.connect_timeout)

    async def _attempt(self, endpoint: Endpoint, listener: ChannelListener, timeout: float) -> Channel | None:
        self.attempts += 1
        self._hurry.clear()
        try:
            channel = await self._answering_channel(endpoint, listener, Deadline.after(timeout))
        except EsdbError as error:
            self._fail(endpoint, error)
            return None
        except Exception as error:  # whatever a server has brought about, another attempt follows
            text = f"{self._name}: an attempt to connect broke off"
            log.debug("attempt_broke_off", text, trace=error, connection=self._name)
            self._fail(endpoint, unreadable(error))
            return None
        self.last_error = None
        endpoint.failures.over()
        endpoint.answered_at = monotonic()
        self._end()
        if self._hosts.accepts(endpoint.host):
            return channel
        await _discard(channel)
        return None

    def _fail(self, endpoint: Endpoint, error: EsdbError) -> None:
        self.last_error = error
        self._failed = endpoint, monotonic()
        self._hosts.failed(endpoint.host)
        self._end()
        level = logging.WARNING if endpoint.failures.is_new(str(error)) else logging.DEBUG
        server, reason = endpoint.host.address, explain(error)
        text = f"{self._name}: cannot connect to {server}: {reason}"
        log.at(level, "connection_refused", text, connection=self._name, server=server, reason=reason)

    def _end(self) -> None:
        self.ended += 1
        self._tell()

    async def _answering_channel(self, endpoint: Endpoint, listener: ChannelListener, deadline: Deadline) -> Channel:
        host, options = endpoint.host, self._options.options
        with naming(proxy_for(host, options)):
            transport = await open_transport(host, options, deadline, slowdown=self._slowdown)
            channel = Channel(transport, host, listener, is_encrypted=options.tls)
            channel.takes_credentials |= self._options.allow_insecure_credentials
            try:
                await self._greet(channel, deadline)
            except BaseException:
                await _discard(channel)
                raise
        return channel

    async def _greet(self, channel: Channel, deadline: Deadline) -> None:
        try:
            greeting = await greet(channel, await self._options.caller(deadline), deadline)
        except EsdbError as error:
            raise await channel.transport.explain(error, Deadline.after(PATIENCE)) from error.__cause__
        self.server, self.admission = greeting.server, greeting.admission
        channel.offers = offered(self.server)

    async def _pause(self, delay: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._hurry.wait()


async def _discard(channel: Channel) -> None:
    channel.retire()
    await channel.wait_closed()
