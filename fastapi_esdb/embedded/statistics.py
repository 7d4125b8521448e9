"""The statistics of a server, and of this process and the machine, under the names that servers have for them.

Sizes are in bytes. Numbers that a system does not have (`/proc` is Linux) are left out.
"""

from __future__ import annotations

import gc
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi_esdb.embedded.store.database import Database

Values = dict[str, int | float]

_KILOBYTE = 1024
_PROCESS_IO = {"rchar": "readBytes", "wchar": "writtenBytes", "syscr": "readOps", "syscw": "writeOps"}
_LOADS = ("1m", "5m", "15m")

FRESH_FOR = 1.0
"""Seconds after which the numbers are measured again, as on a real server."""


def process() -> Values:
    """Memory, threads, and what was read and written."""
    status, io = _table("/proc/self/status"), _table("/proc/self/io")
    memory = {"proc-mem": status["VmRSS"] * _KILOBYTE} if "VmRSS" in status else {}
    disk = {f"proc-diskIo-{name}": io[key] for key, name in _PROCESS_IO.items() if key in io}
    return {"proc-id": os.getpid(), "proc-threadsCount": threading.active_count(), **memory, **disk}


def garbage() -> Values:
    """Return the number of garbage collections, by generation."""
    return {f"proc-gc-gen{number}ItemsCount": one["collections"] for number, one in enumerate(gc.get_stats())}


def machine() -> Values:
    """Memory and load."""
    table = _table("/proc/meminfo")
    names = {"MemTotal": "sys-totalMem", "MemAvailable": "sys-freeMem"}
    memory = {name: table[key] * _KILOBYTE for key, name in names.items() if key in table}
    return {**memory, **{f"sys-loadavg-{span}": load for span, load in zip(_LOADS, os.getloadavg(), strict=True)}}


def drive(folder: str) -> Values:
    """The disk that a folder is on."""
    usage = shutil.disk_usage(folder)
    sizes = {"totalBytes": usage.total, "usedBytes": usage.used, "availableBytes": usage.free}
    return {f"sys-drive-{folder}-{name}": size for name, size in sizes.items()}


def cpu_seconds() -> float:
    """The time that all processors together have worked for this process."""
    times = os.times()
    return times.user + times.system


def _table(path: str) -> dict[str, int]:
    """The numbers in a file of lines such as `name: 12 kB`."""
    try:
        lines = [line.replace(":", " ").split() for line in Path(path).read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdecimal()}


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
        self._cpu = cpu_seconds()
        self._latest = self._take(cpu_percent=0.0)

    def latest(self) -> Mapping[str, str]:
        """Return all values as texts, by name; they are at most a second old."""
        elapsed = self._now() - self._taken_at
        if elapsed >= FRESH_FOR:
            cpu = cpu_seconds()
            self._latest = self._take(cpu_percent=100 * (cpu - self._cpu) / elapsed)
            self._taken_at, self._cpu = self._taken_at + elapsed, cpu
        return self._latest

    def _take(self, cpu_percent: float) -> Mapping[str, str]:
        values = {
            "proc-cpu": round(cpu_percent, 1),
            **process(),
            **garbage(),
            **machine(),
            **drive(self._folder),
            **self._store(),
        }
        return {name: str(value) for name, value in values.items()}

    def _store(self) -> Values:
        """Return the end of the log, which servers call its checksum, and its size."""
        counts = self._database.counts()
        return {
            "es-checksum": self._database.end.commit,
            "es-records": counts.records,
            "es-streams": counts.streams,
        }
