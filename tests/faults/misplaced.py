"""What calls of a pool do where it does not belong. As a program: in the child of a process that has it open.

With `before` the process forks before it connects, and both belong where they are.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from time import monotonic

from fastapi_esdb import Connection, EsdbSettings, NewEvent, connect
from fastapi_esdb.settings.choices import TransportKind
from tests.support.waiting import PATIENCE

CALLS: dict[str, Callable[[Connection], Awaitable[object]]] = {
    "append": lambda esdb: esdb.append("s", NewEvent("Tried", {})),
    "read": lambda esdb: esdb.read("s").to_list(),
    "subscribe": lambda esdb: anext(esdb.subscribe("s")),
    "delete": lambda esdb: esdb.delete("s"),
    "get_metadata": lambda esdb: esdb.get_metadata("s"),
    "ping": lambda esdb: esdb.ping(),
    "wait_connected": lambda esdb: esdb.wait_connected(),
    "connect": lambda esdb: esdb.connect(),
    "reconnect": lambda esdb: esdb.reconnect(),
    "close": lambda esdb: esdb.close(),
}

Failures = dict[str, tuple[str, float]]
"""By the name of a call: what it failed with, and after how many seconds."""


def failures(esdb: Connection) -> Failures:
    """Make each call on an event loop of its own."""
    return {name: _failure(esdb, call) for name, call in CALLS.items()}


def _failure(esdb: Connection, call: Callable[[Connection], Awaitable[object]]) -> tuple[str, float]:
    async def run() -> None:
        await call(esdb)

    began = monotonic()
    try:
        asyncio.run(run())
    except Exception as error:  # whatever it is, it is looked at elsewhere
        return type(error).__name__, monotonic() - began
    return "nothing", monotonic() - began


async def _main(connection_string: str) -> None:
    """Print what the child of this process finds, and see that this process can go on."""
    async with connect(connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        child = os.fork()
        if not child:
            print(json.dumps(failures(esdb)), flush=True)  # noqa: T201  it is read by the test
            os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)
        await esdb.ping()


async def _connected(made: AbstractAsyncContextManager[Connection]) -> None:
    """Print how many threads this process has while it is connected, and appends."""
    async with made as esdb:
        await esdb.append("s", NewEvent("Tried", {}))
        line = f"{len(os.listdir('/proc/self/task'))}\n"
        os.write(sys.stdout.fileno(), line.encode())  # at once: the other process writes to the same pipe


def _in_both(connection_string: str) -> None:
    """Connect in this process and in its child."""
    made = connect(EsdbSettings(connection_string=connection_string, transport=TransportKind.HTTP2, wait=PATIENCE))
    child = os.fork()
    asyncio.run(_connected(made))
    if child:
        os.waitpid(child, 0)


if __name__ == "__main__":
    if sys.argv[2:] == ["before"]:
        _in_both(sys.argv[1])
    else:
        asyncio.run(_main(sys.argv[1]))
