"""Callers of an app in a process of their own, each one request after the other, together so many.

    python -m benchmarks.callers PORT PATH CALLERS REQUESTS

They print a line when they are connected, wait for one to begin, and print another one when they are done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack

from benchmarks.costs.http import HttpClient


async def main(port: int, path: str, callers: int, requests: int) -> None:
    """Connect, wait, ask."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(HttpClient(port)) for _ in range(callers)]
        print("connected", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        left = iter(range(requests))
        await asyncio.gather(*(_ask(client, f"{path}{number}", left) for number, client in enumerate(clients)))
        print("done", flush=True)


async def _ask(client: HttpClient, path: str, left: Iterator[int]) -> None:
    for _ in left:
        await client.get(path)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
