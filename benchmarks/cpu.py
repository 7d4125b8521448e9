"""The CPU time and the memory of another process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

KILOBYTE = 1024


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far, to the nanosecond: Linux has a clock for each process."""
    return time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED of that process, as clock_getcpuclockid() makes it


def resident_bytes(pid: int | str = "self") -> int:
    """The memory that a process has in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith("VmRSS:"))
    return int(found.split()[1]) * KILOBYTE


@dataclass(slots=True)
class Stopwatch:
    """CPU time of a process and wall time, from when it is made."""

    pid: int
    began: float = field(default_factory=time.perf_counter)
    used: float = 0.0

    def __post_init__(self) -> None:
        self.used = cpu_seconds(self.pid)

    def cpu(self, operations: int = 1) -> float:
        """Microseconds of CPU for each operation."""
        return 1e6 * (cpu_seconds(self.pid) - self.used) / operations

    def wall(self, operations: int = 1) -> float:
        """Microseconds for each operation."""
        return 1e6 * (time.perf_counter() - self.began) / operations
