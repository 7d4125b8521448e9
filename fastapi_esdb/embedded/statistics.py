"""The statistics of a server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from fastapi_esdb.embedded import measures
from fastapi_esdb.embedded.store.database import Database

FRESH_FOR = 1.0
"""Seconds after which the numbers are measured again, as on a real server."""


class Statistics:
    """Takes the numbers of a server.

    Args:
        database: its records and streams are counted.
        folder: the one with its files; the statistics describe its disk.
        now: the seconds of a clock that nobody sets.
    """

    def __init__(self, database: Database, folder: str = os.curdir, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._folder = os.path.abspath(folder)
        self._now = now
        self._taken_at = now()
        self._cpu = measures.cpu_seconds()
        self._latest = self._take(cpu_percent=0.0)

    def latest(self) -> Mapping[str, str]:
        """Return all values as texts, by name; they are at most a second old."""
        elapsed = self._now() - self._taken_at
        if elapsed >= FRESH_FOR:
            cpu = measures.cpu_seconds()
            self._latest = self._take(cpu_percent=100 * (cpu - self._cpu) / elapsed)
            self._taken_at, self._cpu = self._taken_at + elapsed, cpu
        return self._latest

    def _take(self, cpu_percent: float) -> Mapping[str, str]:
        values = {
            "proc-cpu": round(cpu_percent, 1),
            **measures.process(),
            **measures.garbage(),
            **measures.machine(),
            **measures.drive(self._folder),
            **self._store(),
        }
        return {name: str(value) for name, value in values.items()}

    def _store(self) -> measures.Values:
        """Return the end of the log, which servers call its checksum, and its size."""
        counts = self._database.counts()
        return {
            "es-checksum": self._database.end.commit,
            "es-records": counts.records,
            "es-streams": counts.streams,
        }
