"""Noticing that a server is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.probe import ask_server
from fastapi_esdb.wire.errors import EsdbError

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel


class Watch:
    """Watches one channel until something speaks against it: its TCP connection, or a probe without an answer."""

    def __init__(self, channel: Channel, probe_timeout: float) -> None:
        self.channel = channel
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

    def suspect(self) -> None:
        """A call went wrong: ask the server whether it is still there, unless it is being asked already."""
        if not self._verdict.done() and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._ask(), name="esdb-probe")

    def renew(self) -> None:
        """End the watch, since a new connection is wanted."""
        self._decide(None)

    async def _watch_transport(self) -> None:
        try:
            await self.channel.until_not_ready()
        finally:
            self._decide("the connection broke off")

    async def _ask(self) -> None:
        try:
            await ask_server(self.channel, Deadline.after(self._probe_timeout))
        except EsdbError as error:
            self._decide(f"a call failed, and then a probe: {error}")

    def _decide(self, reason: str | None) -> None:
        if not self._verdict.done():
            self._verdict.set_result(reason)


async def _stop(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
