"""A script that reads and ends without closing: `python -m tests.faults.reading_script CONNECTION_STRING HOW`.

With `tidy` asyncio ends what is open, with `bare` nobody does.
"""

from __future__ import annotations

import asyncio
import sys

from fastapi_esdb import Connection, EsdbSettings
from fastapi_esdb.pool.pool import ConnectionPool

held: list[object] = []
"""So that nothing is collected before the end."""


async def main() -> None:
    """Read some of a long stream, say so, and wait for a word on what comes in before ending in the middle of it."""
    pool = ConnectionPool(EsdbSettings(connection_string=sys.argv[1]))
    await pool.open()
    esdb = Connection(pool)
    await esdb.wait_connected(10)
    events = esdb.read("long")
    held.extend((pool, events, await anext(events)))
    print("reading", flush=True)  # noqa: T201
    sys.stdin.readline()
    reading = asyncio.create_task(events.to_list())
    held.append(reading)
    await asyncio.sleep(0.5)


if __name__ == "__main__":
    if sys.argv[2] == "tidy":
        asyncio.run(main())
    else:
        asyncio.new_event_loop().run_until_complete(main())
