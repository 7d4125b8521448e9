"""Waiting for what comes about in its own time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fastapi_esdb import Connection, NewEvent
from fastapi_esdb.errors import InvalidArgument
from fastapi_esdb.testing import event_in, eventually, eventually_sync
from tests.support.waiting import PATIENCE


async def test_a_condition_comes_true() -> None:
    """What it returns then is returned."""
    found: list[int] = []
    asyncio.get_running_loop().call_later(0.02, found.append, 7)
    assert await eventually(lambda: found, timeout=PATIENCE) == [7]


async def test_a_coroutine_function() -> None:
    """It is awaited."""
    calls: list[int] = []

    async def look() -> bool:
        calls.append(1)
        await asyncio.sleep(0)
        return len(calls) == 3

    assert await eventually(look, every=0.001, timeout=PATIENCE)


async def test_assertions_come_to_hold() -> None:
    """As long as there is time they are tried again."""
    calls: list[int] = []

    def look() -> bool:
        calls.append(1)
        assert len(calls) == 3
        return True

    assert await eventually(look, every=0.001, timeout=PATIENCE)
    assert eventually_sync(lambda: len(calls) == 3)


async def test_what_never_comes_true() -> None:
    """The error has the text of the condition, and what it returned last."""
    found: list[int] = []
    with pytest.raises(AssertionError, match=r"within 0\.01 s, it returned \[\] last: .*eventually\(lambda: found"):
        await eventually(lambda: found, timeout=0.01, every=0.001)


async def test_an_assertion_that_never_holds() -> None:
    """The last error is raised as it is."""

    def look() -> None:
        raise AssertionError("seven is not eight")

    with pytest.raises(AssertionError, match="seven is not eight"):
        await eventually(look, timeout=0.01, every=0.001)
    with pytest.raises(AssertionError, match="seven is not eight"):
        eventually_sync(look, timeout=0.01, every=0.001)


async def test_a_coroutine_function_that_hangs() -> None:
    """It is waited for as long as there is time."""

    async def look() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="it had not returned by then: async def look"):
        await eventually(look, timeout=0.05)


async def test_an_error_of_the_condition() -> None:
    """It is no "not yet", also where it is a TimeoutError of its own."""

    async def look() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await eventually(look, timeout=PATIENCE)


def test_a_thread_brings_it_about() -> None:
    """A test without an event loop waits."""
    found: list[int] = []
    threading.Timer(0.02, found.append, [7]).start()
    assert eventually_sync(lambda: found, timeout=PATIENCE) == [7]


def test_a_coroutine_function_in_a_def() -> None:
    """Nothing could await it there."""

    async def look() -> bool:
        return True

    with pytest.raises(InvalidArgument, match="await eventually"):
        eventually_sync(look)  # type: ignore[unused-coroutine]


async def test_an_event_that_is_there_or_comes(esdb_connection: Connection) -> None:
    """Its type, or a function, says which one it is."""
    await esdb_connection.append("s", [NewEvent("First", {}), NewEvent("Second", {"n": 2})])
    assert (await event_in(esdb_connection, "s")).type == "First"
    assert (await event_in(esdb_connection, "s", "Second")).revision == 1
    coming = asyncio.create_task(event_in(esdb_connection, "s", lambda event: event.revision == 2, timeout=PATIENCE))
    await esdb_connection.append("s", NewEvent("Third", {}))
    assert (await coming).type == "Third"


async def test_an_event_that_does_not_come(esdb_connection: Connection) -> None:
    """The error says which ones there are."""
    await esdb_connection.append("s", [NewEvent("First", {}), NewEvent("Second", {})])
    with pytest.raises(AssertionError, match=r"no Third event in 's' within 0\.3 s, which has: First, Second"):
        await event_in(esdb_connection, "s", "Third", timeout=0.3)
    with pytest.raises(AssertionError, match=r"no such event in 't' within 0\.1 s, which has: none"):
        await event_in(esdb_connection, "t", timeout=0.1)
