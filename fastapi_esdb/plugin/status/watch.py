"""What happens while nobody looks: numbers of a pool and its consumers, noted every few seconds for an hour."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.status import ConsumerStatus
    from fastapi_esdb.pool.pool import ConnectionPool

EVERY = 5.0
"""Seconds between two samples."""

KEPT = timedelta(hours=1)

ASKED_EVERY = 4.0
"""Seconds that an answer of the server's is shown, to all who look at the page."""

Answer = TypeVar("Answer")
Statuses = Callable[[], "Sequence[tuple[Definition, ConsumerStatus]]"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Totals of the pool's calls at one moment, and how many events each consumer had not handled."""

    at: datetime
    calls: int
    failures: int
    lags: Mapping[str, int]


class Recently:
    """An answer that is kept for a moment, so that all who look at the same time ask once."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._answer: Any = None
        self._until = 0.0

    async def asked(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of a moment ago, or ask now."""
        async with self._lock:
            if monotonic() >= self._until:
                self._answer = await ask()
                self._until = monotonic() + ASKED_EVERY
            answer: Answer = self._answer
            return answer

    def forget(self) -> None:
        """Have it asked anew: something was changed."""
        self._until = 0.0


class Watch:
    """The samples of the last hour, the oldest first, and what the server has told recently."""

    def __init__(self, pool: ConnectionPool, consumers: Statuses) -> None:
        self._pool = pool
        self._consumers = consumers
        self._samples: deque[Sample] = deque(maxlen=round(KEPT.total_seconds() / EVERY))
        self.recently = Recently()
        """What the server has told."""
        self.take()

    @property
    def samples(self) -> list[Sample]:
        """The samples that were taken, and one of now."""
        return [*self._samples, self._now()]

    def take(self) -> None:
        """Note how it is now."""
        self._samples.append(self._now())

    def _now(self) -> Sample:
        stats = self._pool.stats()
        lags = {status.name: status.lag_events for _, status in self._consumers()}
        return Sample(datetime.now(UTC), int(stats["calls_total"]), int(stats["failures_total"]), lags)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take samples in the meantime."""
        task = asyncio.create_task(self._run(), name="esdb-status")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self.take()
