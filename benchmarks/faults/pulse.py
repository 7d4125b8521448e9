"""Whether the machine has time for the benchmark: figures of a moment at which it had none say nothing of a client."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Self

BEAT = 0.02
"""Seconds between two beats."""


class Pulse:
    """Beats while it is entered; `longest_stall` is how many seconds late a beat was at most."""

    def __init__(self) -> None:
        self.longest_stall = 0.0

    async def _beat(self) -> None:
        while True:
            due = monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.longest_stall = max(self.longest_stall, monotonic() - due)

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beating.cancel()
        with suppress(asyncio.CancelledError):
            await self._beating
