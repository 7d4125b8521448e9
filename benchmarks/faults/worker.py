"""A client under load, in a process of its own: `python -m benchmarks.faults.worker CLIENT CONNECTION_STRING`.

It tells what happens on its standard output. A line on its input has its writers stop, the end of the input all else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from time import monotonic
from uuid import UUID, uuid4

from benchmarks.faults import load
from benchmarks.faults.client import NOTHING, Client
from benchmarks.faults.clients import CLIENTS
from benchmarks.faults.entries import Acked, Delivered, Ended, Entry, Failed, Stopped, to_line

AFTER_FAILURE = 0.1
"""Seconds until a writer goes on after a failure."""

LEAVE = 3.0
"""Seconds that subscriptions have to end."""


def tell(entry: Entry) -> None:
    """Write an entry down for whoever started this process."""
    os.write(sys.stdout.fileno(), to_line(entry).encode() + b"\n")


class Writer:
    """Appends one event after the other, each behind the one before."""

    def __init__(self, client: Client, number: int, stream: str) -> None:
        self._client = client
        self._number = number
        self._stream = stream
        self._revision = NOTHING
        self.is_stopping = False

    async def run(self) -> None:
        """Until it is stopped."""
        while not self.is_stopping:
            await self._append(uuid4())
            await asyncio.sleep(load.PAUSE)

    async def _append(self, event_id: UUID) -> None:
        try:
            async with asyncio.timeout(load.CUT):
                await self._client.append(self._stream, event_id, self._revision)
        except Exception as error:  # whatever it is, it is counted
            is_open = self._client.leaves_open(error)
            tell(Failed(monotonic(), self._number, str(event_id), _named(error), is_open))
            await self._read_revision()
        else:
            tell(Acked(monotonic(), self._number, str(event_id)))
            self._revision += 1

    async def _read_revision(self) -> None:
        """See where the stream is after a failure."""
        while not self.is_stopping:
            await asyncio.sleep(AFTER_FAILURE)
            try:
                async with asyncio.timeout(load.WAIT):
                    self._revision = await self._client.revision(self._stream)
            except Exception:  # not an append, so it does not count
                continue
            return


async def follow(name: str, ids: AsyncGenerator[UUID, None]) -> None:
    """Tell of each event that comes."""
    try:
        async for event_id in ids:
            tell(Delivered(monotonic(), name, str(event_id)))
    except Exception as error:  # whatever it is, it is counted
        tell(Ended(monotonic(), name, _named(error)))


async def run(name: str, target: str) -> None:
    """Carry the load."""
    lines = await _input()
    async with CLIENTS[name](target) as client:
        writers = [Writer(client, number, stream) for number, stream in enumerate(load.streams(name))]
        writing = [asyncio.create_task(writer.run()) for writer in writers]
        following = [
            asyncio.create_task(follow(load.STREAM, client.follow(load.followed(name)))),
            asyncio.create_task(follow(load.ALL, client.follow_all(load.prefix(name)))),
            asyncio.create_task(follow(load.CONSUMER, client.consume(load.consumed(name), load.GROUP))),
        ]
        await lines.readline()
        for writer in writers:
            writer.is_stopping = True
        await asyncio.wait(writing, timeout=load.CUT)
        tell(Stopped(client.reopened))
        await lines.read()
        await _leave(following)


async def _leave(following: list[asyncio.Task[None]]) -> None:
    """End without waiting for those who do not, nor for a client that does not close."""
    for task in following:
        task.cancel()
    await asyncio.wait(following, timeout=LEAVE)
    os._exit(0)


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a client under load")
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("target")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.client, arguments.target))
