"""Noticing that a server is gone: the probe that asks it, the watch over a connection, and nodes that were left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi_esdb.connection.call import unary
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.gossip import says_not_ready
from fastapi_esdb.connection.preflight import authorization_of
from fastapi_esdb.connection.tls.handshake import web_server
from fastapi_esdb.connection.transport import BROKEN, RpcFailed
from fastapi_esdb.log import log
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethods
from fastapi_esdb.wire.errors import EsdbError, NotSupported
from fastapi_esdb.wire.errors.unreadable import shown, unreadable
from fastapi_esdb.wire.headers import CallHeaders, KnownHeaders

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.settings.credentials import AnyCredentials

PROBE_FAILED = "a call failed, and then a probe: {}"


class Watch:
    """Watches one channel until something speaks against it: its TCP connection, or a probe without an answer.

    `tell` is called when a suspicion has turned out to be unfounded.
    """

    def __init__(self, channel: Channel, probe_timeout: float, tell: Callable[[], None]) -> None:
        self.channel = channel
        self.is_suspect = False
        """Whether a call was lost and the probe after it is not answered yet: another call might go the same way."""
        self._tell = tell
        self._probe_timeout = probe_timeout
        self._verdict: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._probe: asyncio.Task[None] | None = None

    async def verdict(self) -> str | None:
        """Wait for the end, and say why the connection is lost; `None` if `renew` was called."""
        transport = asyncio.create_task(self._watch_transport(), name="esdb-watch")
        try:
            return await self._verdict
        finally:
            await _stop(transport, self._probe)

    def suspect(self, *, lost: bool) -> None:
        """Ask the server if it is still there, unless it is being asked: a call was `lost`, or not answered in time."""
        self.is_suspect |= lost
        if not self._verdict.done() and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._ask(), name="esdb-probe")

    def renew(self) -> None:
        """End the watch, since a new connection is wanted."""
        self.end(None)

    def end(self, reason: str | None) -> None:
        """End the watch; the first reason counts."""
        if not self._verdict.done():
            self._verdict.set_result(reason)

    async def _watch_transport(self) -> None:
        reason = BROKEN
        try:
            reason = await self.channel.wait_lost()
        finally:
            self.end(reason)

    async def _ask(self) -> None:
        try:
            await ask_server(self.channel, Deadline.after(self._probe_timeout))
        except EsdbError as error:
            self.end(PROBE_FAILED.format(shown(error)))
        except Exception as error:  # without a verdict the channel would stay suspect, and take no calls
            log.exception("fault", "a probe broke off")
            self.end(PROBE_FAILED.format(unreadable(error)))
        else:
            self.is_suspect = False
            self._tell()


async def _stop(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


BEFORE_SERVER_FEATURES = SupportedMethods(version="", methods=())
"""What a server older than 21.10 tells of itself: that it is there."""


async def ask_server(
    channel: Channel, deadline: Deadline, credentials: AnyCredentials | None = None
) -> SupportedMethods:
    """Ask the server what it can do. It tells everybody, but those with credentials only if they are right.

    A node that is starting refuses even the right ones.
    """
    headers = CallHeaders(KnownHeaders(authorization_of(credentials)).pairs())
    try:
        with channel.lease() as lease:
            return await unary(lease, SUPPORTED_METHODS, None, deadline, headers)
    except NotSupported as error:
        told = error.__cause__
        if isinstance(told, RpcFailed) and (stranger := web_server(told.details)):
            raise stranger from error
        return BEFORE_SERVER_FEATURES


LAST_WORD = 1.0
"""Seconds that a node has to show that it is still there."""

TO_FOLLOW = 5.0
"""Seconds that a node has to find the one that leads instead of it; most take one or two."""

PAUSE = 0.5
"""Seconds between two questions whether it has."""


async def give_up_if_of_no_use(channel: Channel) -> None:
    """Have the calls on the channel fail with `ConnectionLost` unless the node goes on with them.

    A node that was only deposed goes on serving what it has begun. One that is frozen never ends a call, and one that
    the others can't reach hears of nothing new: those who wait for it could be with the new node meanwhile.
    """
    if await _is_mute(channel) or await _is_cut_off(channel):
        channel.give_up()


async def _is_mute(channel: Channel) -> bool:
    """Return whether it says nothing. One that is leaving takes no calls any more, but a PING."""
    try:
        if await channel.ping(Deadline.after(LAST_WORD)) is None:
            await ask_server(channel, Deadline.after(LAST_WORD))
    except Exception:
        return True
    return False


async def _is_cut_off(channel: Channel) -> bool:
    """Return whether it has not become a part of the cluster again."""
    until = Deadline.after(TO_FOLLOW)
    while await says_not_ready(channel):
        if not until.left():
            return True
        await asyncio.sleep(PAUSE)
    return False
