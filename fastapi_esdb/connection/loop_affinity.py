"""The process and the event loop that connections belong to."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from fastapi_esdb.errors import UsedAfterFork, WrongEventLoop

ELSEWHERE = "open one on each loop, in the app's lifespan or with connect()"
IN_THREADS = (
    "a `def` endpoint, or another thread of the app, takes EsdbSyncDep, whose calls need no asyncio.run(); in "
    "`async def` await the calls of EsdbDep; an async test runs the app with "
    "fastapi_esdb.testing.running(app), since a TestClient has a loop of its own"
)
IN_TESTS = (
    "let fixtures and tests have one loop. With pytest-asyncio, asyncio_default_fixture_loop_scope and "
    "asyncio_default_test_loop_scope name the same scope, and so does each loop_scope"
)


@dataclass(frozen=True, slots=True)
class LoopAffinity:
    """The place where connections were opened. gRPC hangs when they are used elsewhere, so this is checked before."""

    pid: int
    loop: asyncio.AbstractEventLoop

    @classmethod
    def here(cls) -> LoopAffinity:
        """Return the running loop of this process."""
        return cls(os.getpid(), asyncio.get_running_loop())

    def check(self) -> None:
        """Raise `UsedAfterFork` or `WrongEventLoop` if this is another process or loop."""
        if os.getpid() != self.pid:
            raise UsedAfterFork
        if asyncio.get_running_loop() is not self.loop:
            raise WrongEventLoop(f"this EventStoreDB pool was opened on another event loop: {self._way_out()}")

    def _way_out(self) -> str:
        """Return the advice that fits what was most likely meant."""
        if self.loop.is_running():
            return IN_THREADS
        return IN_TESTS if "PYTEST_CURRENT_TEST" in os.environ else ELSEWHERE
