"""What a process holds."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import Self

import psutil

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Resources:
    """Tasks of this event loop, threads and file descriptors of this process."""

    tasks: int
    threads: int
    descriptors: int

    @classmethod
    def now(cls) -> Self:
        """As it is, garbage aside: errors hold on to what they came from, in circles."""
        gc.collect()
        process = psutil.Process()
        return cls(len(asyncio.all_tasks()), process.num_threads(), process.num_fds())

    def __add__(self, more: Resources) -> Resources:
        return Resources(self.tasks + more.tasks, self.threads + more.threads, self.descriptors + more.descriptors)

    def hold(self, more: Resources) -> bool:
        """Whether that is no more of anything than here."""
        return more.tasks <= self.tasks and more.threads <= self.threads and more.descriptors <= self.descriptors


def memory() -> float:
    """Megabytes of this process in memory, garbage aside."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MEGABYTE
