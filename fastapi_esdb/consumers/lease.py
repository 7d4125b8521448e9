"""The lease of a consumer that runs in one process of all, and the commands that reach whichever holds it."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi_esdb.consumers.ledger import Fenced, Ledger
from fastapi_esdb.wire.errors import GroupExists, GroupFull, GroupNotFound
from fastapi_esdb.wire.groups.values import GroupSettings
from fastapi_esdb.wire.positions import START

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.consuming import Consumer
    from fastapi_esdb.wire.events.values import RecordedEvent

GROUP = "lease"
SETTINGS = GroupSettings(max_subscriber_count=1, min_checkpoint_count=1)

BETWEEN_TRIES = 0.5
"""Seconds between two attempts to get a lease that another process holds."""

VALID = 1.5
"""Seconds for which a process begins to handle events after it has heard that the ledger is its own."""

GRACE = 2.0
"""Seconds that a process waits after it has taken over from one that did not say that it is done."""


def new_holder() -> str:
    """Return a name of this process that no other one has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4()}"


class Lease:
    """A group that lets one consumer in. The server frees it when the process or its connection is gone.

    Its stream holds the commands for the consumer, so that they reach the process that handles the events.
    """

    def __init__(self, connection: Connection, stream: str) -> None:
        self._groups = connection.persistent_subscriptions
        self._stream = stream

    @asynccontextmanager
    async def held(self, waits: Callable[[], object]) -> AsyncIterator[Consumer[RecordedEvent]]:
        """Hold the lease, as soon as it is free; `waits` is called while it is not. Gives the commands."""
        while True:
            commands = self._groups.consume(self._stream, GROUP, buffer=1)
            try:
                await commands.__aenter__()
            except GroupNotFound:
                with suppress(GroupExists):
                    await self._groups.create(self._stream, GROUP, SETTINGS, start=START)
            except GroupFull:
                waits()
                await asyncio.sleep(BETWEEN_TRIES * random.uniform(0.8, 1.2))  # noqa: S311  no secret
            else:
                break
        async with commands:
            yield commands


class Claim:
    """The claim of this process on a ledger: as long as it holds, nobody else handles events.

    Another one writes to the ledger when it takes over, and then waits for longer than this one goes on without having
    heard that nobody has.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._holder = new_holder()

    async def take(self) -> bool:
        """Take the ledger over; return false if this process has had it all the time."""
        while True:
            entry = await self._ledger.load()
            if entry.holder == self._holder and not entry.released:
                await self._ledger.confirm()
                return False
            try:
                await self._ledger.write(holder=self._holder, released=False)
            except Fenced:
                continue  # the former holder was still writing
            if entry.holder not in ("", self._holder) and not entry.released:
                await asyncio.sleep(GRACE)
            return True

    async def check(self) -> None:
        """Return if an event may be handled now. Raises `Fenced` if another process has taken over."""
        if self._ledger.confirmed_for > VALID:
            await self._ledger.confirm()

    async def release(self) -> None:
        """Say that this process is done."""
        if not self._ledger.entry.released:
            await self._ledger.write(released=True)
