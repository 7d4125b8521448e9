"""Trying to connect until a server answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from fastapi_esdb.connection.admission import greet
from fastapi_esdb.connection.channel import Channel, ChannelListener
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.preflight import lacking
from fastapi_esdb.connection.proxy import naming, proxy_for
from fastapi_esdb.connection.rpc_errors import explain
from fastapi_esdb.connection.state import Admission
from fastapi_esdb.connection.transports import open_transport
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import unreadable

if TYPE_CHECKING:
    from fastapi_esdb.connection.endpoints import Endpoint, Hosts
    from fastapi_esdb.connection.node_options import NodeOptions
    from fastapi_esdb.wire.admin.cluster import SupportedMethods

logger = logging.getLogger("fastapi_esdb")

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

    def reset(self) -> None:
        """Count the attempts from zero again."""
        self.attempts = 0

    def broke_off(self, error: Exception) -> None:
        """Take note that an attempt has ended with what nobody foresaw."""
        self.last_error = unreadable(error)
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
            logger.debug("%s: an attempt to connect broke off", self._name, exc_info=True)
            self._fail(endpoint, unreadable(error))
            return None
        self.last_error = None
        endpoint.failures.over()
        self._end()
        if self._hosts.accepts(endpoint.host):
            return channel
        await _discard(channel)
        return None

    def _fail(self, endpoint: Endpoint, error: EsdbError) -> None:
        self.last_error = error
        self._hosts.failed(endpoint.host)
        self._end()
        level = logging.WARNING if endpoint.failures.is_new(str(error)) else logging.DEBUG
        logger.log(level, "%s: cannot connect to %s: %s", self._name, endpoint.host.address, explain(error))

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
            greeting = await greet(channel, self._options.credentials, deadline)
        except EsdbError as error:
            raise await channel.transport.explain(error, Deadline.after(PATIENCE)) from error.__cause__
        self.server, self.admission = greeting.server, greeting.admission
        channel.lacks = lacking(self.server)

    async def _pause(self, delay: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._hurry.wait()


async def _discard(channel: Channel) -> None:
    channel.retire()
    await channel.wait_closed()
