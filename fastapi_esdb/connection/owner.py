"""The process and the event loop that connections belong to."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from fastapi_esdb.errors import UsedAfterFork, WrongEventLoop


@dataclass(frozen=True, slots=True)
class Owner:
    """Where connections were opened. gRPC hangs when they are used anywhere else, so this is checked before."""

    pid: int
    loop: asyncio.AbstractEventLoop

    @classmethod
    def here(cls) -> Owner:
        """The running loop of this process."""
        return cls(os.getpid(), asyncio.get_running_loop())

    def check(self) -> None:
        """Raise `UsedAfterFork` or `WrongEventLoop` if this is another process or loop."""
        if os.getpid() != self.pid:
            raise UsedAfterFork
        if asyncio.get_running_loop() is not self.loop:
            raise WrongEventLoop
