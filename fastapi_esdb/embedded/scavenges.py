"""The scavenges of a server, one at a time: what deleted and expired events took is given back, piece by piece."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from fastapi_esdb.embedded.access.caller import OPERATORS
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import METADATA_TYPE, metastream_of
from fastapi_esdb.wire.admin.operations import CURRENT_SCAVENGE, Scavenge, ScavengeResult, StartScavenge
from fastapi_esdb.wire.errors import ScavengeNotFound
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, ProposedEvent
from fastapi_esdb.wire.positions import Position

OVERVIEW = "$scavenges"
STARTED = "$scavengeStarted"
CHUNK_COMPLETED = "$scavengeChunksCompleted"
COMPLETED = "$scavengeCompleted"

log = logging.getLogger(__name__)

CHUNK_SIZE = 256 * 1024 * 1024
"""The length of a chunk of the log, in positions: about the bytes of a chunk file on a real server."""


class Report:
    """Writes the events of one scavenge, which operators may read. `node` is the address of the server.

    `freed` is about the bytes that its chunks have given back so far.
    """

    def __init__(self, database: Database, node: str) -> None:
        self.scavenge_id = str(uuid4())
        self._database = database
        self._node = node
        self._stream = f"{OVERVIEW}-{self.scavenge_id}"
        self._began = time.monotonic()
        self.freed = 0

    async def started(self, request: StartScavenge) -> None:
        acl = json.dumps({"$acl": {"$r": OPERATORS, "$mr": OPERATORS}}).encode()
        started = self._event(STARTED, threads=request.thread_count, startFromChunk=request.start_from_chunk)
        await self._database.append_many(
            [
                (metastream_of(self._stream), ProposedEvent(uuid4(), METADATA_TYPE, acl)),
                (self._stream, started),
                (OVERVIEW, self._link(0)),
            ]
        )

    async def chunk_completed(self, chunk: int, freed: int, seconds: float) -> None:
        """A chunk is done, and `freed` bytes of it are free."""
        self.freed += freed
        numbers = {"chunkStartNumber": chunk, "chunkEndNumber": chunk}
        done = {"wasScavenged": freed > 0, "spaceSaved": freed, "timeTaken": _time_span(seconds)}
        event = self._event(CHUNK_COMPLETED, errorMessage="", **numbers, **done)
        await self._database.append_many([(self._stream, event)])

    async def completed(self, result: str, error: str = "") -> None:
        """The scavenge is over: "Success", "Stopped", or "Failed" with an error."""
        taken = _time_span(time.monotonic() - self._began)
        event = self._event(COMPLETED, result=result, error=error, timeTaken=taken, spaceSaved=self.freed)
        last = self._database.stream_info(self._stream).last
        await self._database.append_many([(self._stream, event), (OVERVIEW, self._link((last or 0) + 1))])

    def _event(self, event_type: str, **content: Any) -> ProposedEvent:
        content = {"scavengeId": self.scavenge_id, "nodeEndpoint": self._node, **content}
        return ProposedEvent(uuid4(), event_type, json.dumps(content).encode())

    def _link(self, revision: int) -> ProposedEvent:
        return ProposedEvent(uuid4(), LINK_TYPE, f"{revision}@{self._stream}".encode(), content_type=OCTET_STREAM)


def _time_span(seconds: float) -> str:
    return str(timedelta(seconds=seconds))


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


class Scavenges:
    """Starts and stops scavenges, from the start of the server to its stop. `node` is the address of the server."""

    def __init__(self, database: Database, node: str) -> None:
        self._database = database
        self._node = node
        self._starting = asyncio.Lock()
        self._running: RunningScavenge | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A scavenge that runs ends where it is, without a word."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def start(self, request: StartScavenge) -> Scavenge:
        """Begin a scavenge, unless one is in progress. It has one thread, however many it may have."""
        async with self._starting:
            if self._running:
                return Scavenge(self._running.id, ScavengeResult.IN_PROGRESS)
            report = Report(self._database, self._node)
            await report.started(request)
            self._running = RunningScavenge(self._database, report, request.start_from_chunk)
            self._task = asyncio.create_task(self._run(self._running))
            return Scavenge(self._running.id, ScavengeResult.STARTED)

    def stop(self, scavenge_id: str) -> Scavenge:
        """Have the scavenge in progress end soon; `current` names it, too. Raises ScavengeNotFound for any other id."""
        running = self._running
        if running is None or scavenge_id not in (running.id, CURRENT_SCAVENGE):
            raise ScavengeNotFound(running.id if running else "")
        running.stop()
        return Scavenge(running.id, ScavengeResult.STOPPED)

    async def _run(self, scavenge: RunningScavenge) -> None:
        try:
            await scavenge.run()
        except Exception:
            log.exception("the scavenge %s could not tell how it ended", scavenge.id)
        finally:
            self._running = None
