"""One scavenge."""

from __future__ import annotations

import asyncio
import logging
import time

from fastapi_esdb.embedded.scavenging.report import Report
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.positions import Position

log = logging.getLogger(__name__)

CHUNK_SIZE = 256 * 1024 * 1024
"""The length of a chunk of the log, in positions: about the bytes of a chunk file on a real server."""


class RunningScavenge:
    """Goes through the log, from the chunk `first_chunk` to where the log ends when it starts."""

    def __init__(self, database: Database, report: Report, first_chunk: int) -> None:
        self._database = database
        self._report = report
        self._position = _start_of(database, first_chunk)
        self._newest = database.last_position or self._position
        self._is_stopping = False

    @property
    def id(self) -> str:
        return self._report.scavenge_id

    def stop(self) -> None:
        """End after the piece of work that it is at."""
        self._is_stopping = True

    async def run(self) -> None:
        """Do it, and tell how it ended."""
        try:
            while self._goes_on:
                await self._scavenge_chunk(self._chunk)
            if self._report.freed:
                await self._database.shrink()
        except Exception as error:
            log.exception("the scavenge %s failed", self.id)
            await self._report.completed("Failed", str(error))
        else:
            await self._report.completed("Stopped" if self._is_stopping else "Success")

    async def _scavenge_chunk(self, chunk: int) -> None:
        began, freed = time.monotonic(), 0
        while self._goes_on and self._chunk == chunk:
            page = await self._database.scavenge(self._position)
            self._position, freed = page.next, freed + page.freed
            await asyncio.sleep(0)  # others want their turn
        await self._report.chunk_completed(chunk, freed, time.monotonic() - began)

    @property
    def _goes_on(self) -> bool:
        return self._position < self._newest and not self._is_stopping

    @property
    def _chunk(self) -> int:
        return self._position.commit // CHUNK_SIZE


def _start_of(database: Database, chunk: int) -> Position:
    """Return the position of the first record in a chunk or, if it is empty, in the chunks after it."""
    before = chunk * CHUNK_SIZE - 1
    return database.following(Position(before, before)) if chunk else Position(0, 0)
