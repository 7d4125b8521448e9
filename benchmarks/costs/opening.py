"""What opening and closing a pool takes, which is what the start and the end of an app wait for."""

from __future__ import annotations

import time

from benchmarks.costs.cost import Cost
from fastapi_esdb import connect


async def opening_costs(rounds: int, target: str) -> list[Cost]:
    """Until the first connection is up, and until nothing is left."""
    opened, closed = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        async with connect(target) as esdb:
            await esdb.wait_connected(60)
            opened.append(1e3 * (time.perf_counter() - began))
            began = time.perf_counter()
        closed.append(1e3 * (time.perf_counter() - began))
    return [Cost.of("opening a pool, until it is connected", "ms", opened), Cost.of("closing it", "ms", closed)]
