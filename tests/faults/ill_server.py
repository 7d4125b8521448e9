"""An embedded server in the test's own process that is ill: what it is asked it does, or not, or later."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from fastapi_esdb import Connection
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.errors import EsdbError, ServerTimeout
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE

Write = Callable[..., Awaitable[Any]]


class IllServer:
    """Loses requests before they are done, or answers after it; does them later; is restarted; can't be reached."""

    def __init__(self, server: EmbeddedServer, proxy: FaultProxy, chance: random.Random) -> None:
        self.illness = 0.0
        """How likely it is that it does not answer a write as it should."""
        self._server = server
        self._proxy = proxy
        self._chance = chance
        self._later: set[asyncio.Task[None]] = set()

    def infect(self, patch: pytest.MonkeyPatch) -> None:
        """Have writes go through this."""
        for name in ("append", "append_many"):
            patch.setattr(Database, name, self._made_ill(getattr(Database, name)))

    def _made_ill(self, write: Write) -> Write:
        async def done(database: Database, *arguments: Any) -> Any:
            if self._chance.random() >= self.illness:
                return await write(database, *arguments)
            match self._chance.randrange(3):
                case 0:
                    await write(database, *arguments)
                case 1:
                    self._do_later(lambda: write(database, *arguments))
            raise ServerTimeout

        return done

    def _do_later(self, work: Callable[[], Awaitable[Any]]) -> None:
        delay = self._chance.random() / 2

        async def later() -> None:
            await asyncio.sleep(delay)
            with suppress(EsdbError):  # it was restarted meanwhile, or the stream is elsewhere
                await work()

        task = asyncio.create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def suffer(self, esdb: Connection, *, closes: bool) -> None:
        """Some faults, one after the other."""
        faults = [self._be_slow, self._lose_answers, self._hear_nothing, self._be_ill, self._restart]
        for _ in range(self._chance.randint(2, 6)):
            await asyncio.sleep(self._chance.random() / 5)
            if closes and self._chance.random() < 0.2:
                await esdb.close()
                await esdb.connect()
            else:
                await self._chance.choice(faults)()

    async def recover(self) -> None:
        """Be well again, and done with what was left for later."""
        self.illness = 0.0
        self._proxy.heal()
        if self._later:
            await asyncio.wait(self._later, timeout=PATIENCE)

    async def _be_slow(self) -> None:
        self._proxy.delay(0.02)
        await self._last()
        self._proxy.heal()

    async def _lose_answers(self) -> None:
        self._proxy.mute()
        await self._last()
        self._proxy.heal()
        await self._proxy.reset()

    async def _hear_nothing(self) -> None:
        self._proxy.blackhole()
        await self._last()
        self._proxy.heal()
        await self._proxy.reset()

    async def _be_ill(self) -> None:
        self.illness = self._chance.random() / 2
        await self._last()
        self.illness = 0.0

    async def _restart(self) -> None:
        for task in self._later:
            task.cancel()
        await self._server.stop(grace=0)
        await self._server.start()

    async def _last(self) -> None:
        await asyncio.sleep(0.05 + self._chance.random() / 4)
