"""However a process ends, with whatever is open, it ends soon, with the right status and without a word too many."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM
from time import monotonic

import httpx2
import pytest

from fastapi_esdb.embedded.cluster import EmbeddedCluster
from tests.faults.ending import CRASHES, EMBEDDED, SERVERS, Served, end, following, served
from tests.faults.ending_app import EXIT_STATUS, FAILS, WRITING
from tests.support.processes import python

SOON = 10.0
"""Seconds: a fraction of one, on a machine that does nothing else; without an end of streams it is never."""

STATUSES = {
    ("uvicorn", SIGTERM): -SIGTERM,
    ("uvicorn on asyncio", SIGTERM): -SIGTERM,
}
"""Exit statuses that are not 0: uvicorn ends by the signal that it was sent, once all is done."""

CUT_OFF = {("gunicorn asgi", SIGINT), ("gunicorn uvicorn", SIGINT)}
"""Signals by which a server ends without waiting for open answers, so that they are cut off."""

STORES = ("memory", "disk", "cluster")


@asynccontextmanager
async def store(kind: str, folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """The environment of an app with that kind of database."""
    if kind == "memory":
        yield EMBEDDED
    elif kind == "disk":
        yield {"ESDB_CONNECTION_STRING": f"esdb+embedded://{folder}/events.db"}
    else:
        async with EmbeddedCluster() as cluster:
            await cluster.wait_leader()
            yield {"ESDB_CONNECTION_STRING": cluster.connection_string}


async def ends_well(server: str, env: Mapping[str, str], *signals: signal.Signals) -> None:
    """Serve, follow, send the signals: streams end at once, nothing is complained of.

    With one signal, which servers wait for open answers at, something is being written: it is written.
    """
    cuts_off = len(signals) > 1 or (server, signals[0]) in CUT_OFF
    async with served(server, env) as app, following(app) as followers, AsyncExitStack() as writing:
        if not cuts_off:
            writing.push_async_callback(written, asyncio.create_task(app.post("/slow")))
            await app.process.until(WRITING)
        began = monotonic()
        status = asyncio.create_task(end(app, *signals, pause=0.1))
        if (server, signals[0]) not in CUT_OFF:
            assert await followers.ended() - began < SOON
        statuses = {STATUSES.get((server, signals[0]), 0)}
        if len(signals) > 1:
            statuses.add(-signals[1])  # it found the server gone, and ended what was left of Python
        assert await status in statuses
        assert app.complaints == [], app.process.printed


async def written(write: asyncio.Task[httpx2.Response]) -> None:
    """Both events are, though the signal came between them."""
    assert (await write).json() >= 2


async def test_streams_end_when_the_server_is_asked_to_stop() -> None:
    """With one signal open answers of all kinds end by themselves, and what is being written is written."""
    await asyncio.gather(
        ends_well("uvicorn", EMBEDDED, SIGINT), ends_well("uvicorn --reload", EMBEDDED, SIGINT, SIGINT)
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("signals", [(SIGINT,), (SIGINT, SIGINT), (SIGTERM,)], ids=["SIGINT", "twice", "SIGTERM"])
@pytest.mark.parametrize("server", SERVERS)
async def test_every_server_ends_well(
    server: str, signals: tuple[signal.Signals, ...], kind: str, tmp_path: Path
) -> None:
    """The same by every server, with every kind of database, with one signal and with two."""
    async with store(kind, tmp_path) as env:
        await ends_well(server, env, *signals)


async def ends_by_itself(env: Mapping[str, str]) -> None:
    """A callback of the event loop calls `sys.exit`, with everything open."""
    async with served("uvicorn", env) as app, following(app):
        await app.post("/exit")
        assert await app.process.ended() == EXIT_STATUS
        assert not set(CRASHES) & set(app.complaints), app.process.printed


async def fails_at_its_start(env: Mapping[str, str]) -> None:
    """The app's own start raises, with everything open that it opens: the error is all that is printed."""
    async with python("-m", *SERVERS["uvicorn"](0), env={**env, FAILS: "1"}) as process:
        assert await process.ended() == 3
        assert process.printed.count("Traceback") == 1
        assert process.printed.rstrip().endswith("Application startup failed. Exiting.")


async def closes_its_loop(env: Mapping[str, str], how: str) -> None:
    """A script stops running its loop, with everything open, and closes it or not."""
    target = env["ESDB_CONNECTION_STRING"]
    async with python("-m", "tests.faults.closed_loop_script", target, how) as process:
        assert await process.ended() == 0
        app = Served(process, 0)
        assert app.complaints == [], process.printed


async def test_a_process_that_just_ends_does_not_crash() -> None:
    """By `sys.exit` from anywhere, by an error at its start, by a loop that is closed or left."""
    await asyncio.gather(ends_by_itself(EMBEDDED), fails_at_its_start(EMBEDDED), closes_its_loop(EMBEDDED, "close"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORES)
async def test_a_process_that_just_ends_does_not_crash_whatever_its_database(kind: str, tmp_path: Path) -> None:
    """The same with every kind of database."""
    async with store(kind, tmp_path) as env:
        await ends_by_itself(env)
        await fails_at_its_start(env)
        await closes_its_loop(env, "close")
        await closes_its_loop(env, "leave")
