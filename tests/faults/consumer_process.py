"""A consumer in a process of its own, to be killed; it writes down what it does, line by line.

`handled 7` is written when event 7 is delivered, `acked 7` when its ack was given.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from fastapi_esdb import connect

GROUP = "workers"
STREAM = "work"


async def consume(target: str, log: Path, buffer: int) -> None:
    """Handle one event after the other, until killed."""
    with log.open("a", buffering=1) as lines:
        async with connect(target) as esdb:
            await esdb.wait_connected(60)
            async with esdb.persistent_subscriptions.consume(STREAM, GROUP, buffer=buffer) as events:
                async for event in events:
                    lines.write(f"handled {event.revision}\n")
                    await events.ack(event)
                    lines.write(f"acked {event.revision}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a consumer, until it is killed")
    parser.add_argument("--target", required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--buffer", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(consume(arguments.target, arguments.log, arguments.buffer))
