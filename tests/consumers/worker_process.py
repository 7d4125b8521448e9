"""A consumer in a process of its own, to be killed and frozen; it writes down when it handles what.

`begin 7 12.5` and `end 7 12.6` are the revision of an event and the seconds of a clock that all processes share.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path

from fastapi_esdb import NewEvent, RecordedEvent, connect
from fastapi_esdb.consumers import To, consuming, lease, to

NAME, STREAM, OUT = "worker", "work", "out"


async def work(target: str, log: Path, seconds: float) -> None:
    """Handle one event after the other, until killed; say on standard output what state it comes into."""
    with log.open("a", buffering=1) as lines:

        async def handle(event: RecordedEvent) -> To:
            lines.write(f"{os.getpid()} begin {event.revision} {time.monotonic()}\n")
            await asyncio.sleep(seconds)
            lines.write(f"{os.getpid()} end {event.revision} {time.monotonic()}\n")
            return to(OUT, NewEvent("Done", {"of": event.revision, "by": os.getpid()}))

        async with connect(target) as esdb, consuming(esdb, NAME, STREAM, handle) as consumer:
            state = None
            while True:
                if consumer.status.state is not state:
                    state = consumer.status.state
                    print(f"{state}", flush=True)  # noqa: T201
                await asyncio.sleep(0.01)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a consumer, until it is killed")
    parser.add_argument("--target", required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=0.005)
    parser.add_argument("--grace", type=float, default=lease.GRACE)
    arguments = parser.parse_args()
    lease.GRACE = arguments.grace
    asyncio.run(work(arguments.target, arguments.log, arguments.seconds))
