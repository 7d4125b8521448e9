"""The scavenges of a server: one at a time."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

from fastapi_esdb.embedded.scavenging.report import Report
from fastapi_esdb.embedded.scavenging.scavenge import RunningScavenge
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.admin.operations import CURRENT_SCAVENGE, Scavenge, ScavengeResult, StartScavenge
from fastapi_esdb.wire.errors import ScavengeNotFound

log = logging.getLogger(__name__)


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
