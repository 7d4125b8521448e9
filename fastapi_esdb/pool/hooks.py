"""Callbacks of the application's own: run when a pool gets a connection, or has lost its last one."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable

from fastapi_esdb.log import log

Hook = Callable[[], Awaitable[object] | object]

CLOSING_TIMEOUT = 1.0
"""Seconds that hooks which still run get when the pool closes."""


class Hooks:
    """Runs hooks one after the other, in the order of what happened. What one of them raises is logged."""

    def __init__(self) -> None:
        self._pending: deque[Hook] = deque()
        self._runner: asyncio.Task[None] | None = None

    def run(self, hooks: list[Hook]) -> None:
        """Have these run soon."""
        self._pending.extend(hooks)
        if self._pending and (self._runner is None or self._runner.done()):
            self._runner = asyncio.get_running_loop().create_task(self._run_pending(), name="esdb-hooks")

    async def finish(self) -> None:
        """Wait for those that are due; cancel what takes longer than a second. A hook that closes the pool goes on."""
        runner = self._runner
        if runner is None or runner is asyncio.current_task():
            return
        await asyncio.wait([runner], timeout=CLOSING_TIMEOUT)
        if not runner.done():
            runner.cancel()
            await asyncio.wait([runner], timeout=CLOSING_TIMEOUT)

    async def _run_pending(self) -> None:
        while self._pending:
            hook = self._pending.popleft()
            try:
                result = hook()
                if inspect.isawaitable(result):
                    await result
            except Exception:
                log.exception("hook_failed", f"a hook of the EventStoreDB pool failed: {hook!r}", hook=repr(hook))
