"""A pool used where it does not belong: an error that says so, at once, and never a hang."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe
from time import monotonic

import pytest

from fastapi_esdb import Connection, NewEvent
from fastapi_esdb.errors import UsedAfterFork, WrongEventLoop
from tests.faults.until import PATIENCE

AT_ONCE = 0.5
"""Seconds; a hang would be for ever, or for the deadline."""

Call = Callable[[Connection], Awaitable[object]]

CALLS: dict[str, Call] = {
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


def failures(esdb: Connection) -> list[tuple[str, str, float]]:
    """What each call fails with on a new event loop, and after how many seconds."""
    return [(name, *_failure(esdb, call)) for name, call in CALLS.items()]


def _failure(esdb: Connection, call: Call) -> tuple[str, float]:
    async def run() -> None:
        await call(esdb)

    began = monotonic()
    try:
        asyncio.run(run())
    except Exception as error:  # whatever it is, it is looked at elsewhere
        return type(error).__name__, monotonic() - began
    return "nothing", monotonic() - began


def check(found: list[tuple[str, str, float]], error: type[Exception]) -> None:
    assert {(name, kind) for name, kind, _ in found} == {(name, error.__name__) for name in CALLS}
    assert max(seconds for *_, seconds in found) < AT_ONCE


async def test_another_event_loop(esdb_connection: Connection) -> None:
    """Each call says so, and the pool goes on where it belongs."""
    check(await asyncio.to_thread(failures, esdb_connection), WrongEventLoop)
    await esdb_connection.ping()


def _tell(esdb: Connection, pipe: Pipe) -> None:
    import faulthandler
    faulthandler.enable(open(f"/tmp/f_fault_{__import__('os').getpid()}.txt","a"))
    open("/tmp/f_fork.txt","a").write("started\n")
    f = failures(esdb)
    open("/tmp/f_fork.txt","a").write("did\n")
    pipe.send(f)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
async def test_after_a_fork(esdb_connection: Connection) -> None:
    """Each call of the child says so, and the parent goes on."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_tell, args=(esdb_connection, sender))
    child.start()
    try:
        ok = await asyncio.to_thread(receiver.poll, 4)
        if not ok:
            child.join(1)
            open("/tmp/f_fork.txt","a").write(f"exit {child.exitcode}\n")
        assert ok
        check(receiver.recv(), UsedAfterFork)
    finally:
        child.kill()
        child.join()
    await esdb_connection.ping()
