"""A process that appends to a store on disk until it is killed, and says what was acknowledged.

Run as `python -m tests.embedded.store.appender PATH`. Each line it prints is `stream revision`, the last revision of an
append of three events, printed after the append was answered.
"""

from __future__ import annotations

import asyncio
import os
import sys

from fastapi_esdb.embedded.store import Database, SqliteStorage
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import events

BATCH = 3
STREAMS = 8


async def append_for_ever(database: Database, stream: str) -> None:
    while True:
        result = await database.append(stream, ANY, events(BATCH))
        os.write(sys.stdout.fileno(), f"{stream} {result.revision}\n".encode())


async def main(path: str) -> None:
    async with Database(SqliteStorage(path)) as database:
        await asyncio.gather(*(append_for_ever(database, f"s-{number}") for number in range(STREAMS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
