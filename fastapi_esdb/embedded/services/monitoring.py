"""The Monitoring service."""

from __future__ import annotations

import asyncio

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.statistics import Statistics
from fastapi_esdb.wire.admin import monitoring


class MonitoringService:
    """Sends the statistics of the server to any caller."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    async def stats(self, call: Call[monitoring.StatsRequest, monitoring.Statistics]) -> None:
        """Send all values at once, and again after each period, until the client goes. Descriptions are never sent."""
        request = await call.request()
        while True:
            await call.send(self._statistics.latest())
            await asyncio.sleep(max(request.period_ms, 1) / 1000)
