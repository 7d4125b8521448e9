"""Streaming calls over a pool."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

import pytest

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.connection.grpcio.reader_threads import MOST_BUSY
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, ReadOnlyConnection
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    DeadlineExceeded,
    InvalidArgument,
    NoAnswer,
    ServerNotReady,
)
from tests.support.pools import PATIENT, all_of, pool_on
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, TALK, ScriptedServer
from tests.support.transports import OVER_GRPCIO
from tests.support.waiting import PATIENCE, until


@pytest.fixture(params=[False, True], ids=["", "bulk"])
def bulk(request: pytest.FixtureRequest) -> bool:
    """Whether many answers are expected."""
    return bool(request.param)


async def test_all_answers_come(server: ScriptedServer, bulk: bool) -> None:
    """In order, and then it ends, however often one asks."""
    async with pool_on(server.port) as pool, pool.stream(FOLLOW, ["count 5"], bulk=bulk) as stream:
        assert await all_of(stream) == ["0", "1", "2", "3", "4"]
        assert await all_of(stream) == []
        assert pool.stats()["calls_in_flight"] == 0, "an ended stream takes no place"


async def test_a_conversation(server: ScriptedServer) -> None:
    """Requests go out while answers come in."""
    async with pool_on(server.port) as pool, pool.stream(TALK, ["one"]) as stream:
        assert await stream.read() == ["one"]
        await stream.send("two")
        assert await stream.read() == ["two"]
        await stream.send("end")
        assert await all_of(stream) == []
        with pytest.raises(NoAnswer):
            await stream.send("three")


@pytest.mark.parametrize("leave", ["normally", "with an error", "cancelled"])
async def test_leaving_the_context_ends_the_call(server: ScriptedServer, leave: str, bulk: bool) -> None:
    """On the server too, and within a second or so, however it is left."""

    async def body() -> None:
        async with pool.stream(FOLLOW, ["hold 1"], long_lived=True, bulk=bulk) as stream:
            assert await stream.read() == ["0"]
            if leave == "with an error":
                raise ValueError
            if leave == "cancelled":
                await stream.read()

    async with pool_on(server.port) as pool:
        task = asyncio.create_task(body())
        if leave == "cancelled":
            await until(lambda: server.active["Follow"])
            task.cancel()
        await asyncio.wait([task])
        assert (task.cancelled(), task.cancelled() or type(task.exception())) == {
            "normally": (False, type(None)),
            "with an error": (False, ValueError),
            "cancelled": (True, True),
        }[leave]
        await until(lambda: not server.active["Follow"])
        assert pool.stats()["streams_open"] == 0


async def test_before_its_first_answer_it_is_made_again(server: ScriptedServer) -> None:
    """Refusals that did nothing are not the caller's business, as with unary calls."""
    async with pool_on(server.port) as pool:
        for method in (FOLLOW, TALK):
            text = f"twice UNAVAILABLE Server Is Not Ready {method.name}"
            async with pool.stream(method, [text]) as stream:
                assert await stream.read() == [text]
        assert pool.stats()["retries_total"] == 4


async def test_after_its_first_answer_it_is_not(server: ScriptedServer, bulk: bool) -> None:
    """What was delivered must not be delivered again: the loss is told."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port) as pool:
        async with pool.stream(FOLLOW, ["hold 1"], long_lived=True, bulk=bulk) as stream:
            assert await stream.read() == ["0"]
            await proxy.reset()
            with pytest.raises(ConnectionLost):
                await stream.read()
            assert await all_of(stream) == []
        assert len(server.seen) == 1
        assert pool.stats()["failures_total"] == 1


async def test_a_whole_is_made_again_until_all_of_it_has_come(server: ScriptedServer) -> None:
    """Nobody has seen the half that came before the call broke off."""
    async with pool_on(server.port) as pool:
        async with pool.stream(FOLLOW, ["half 6"]) as stream:
            assert await stream.read(whole=100) == ["0", "1", "2", "3", "4", "5"]
            assert pool.stats()["calls_in_flight"] == 0
            assert await stream.read(whole=100) == ()
        assert len(server.seen) == 2
        assert pool.stats()["retries_total"] == 1


async def test_a_whole_has_one_deadline(server: ScriptedServer) -> None:
    """However many of its answers have come."""
    async with pool_on(server.port, deadline=0.3) as pool, pool.stream(FOLLOW, ["hold 2"]) as stream:
        with pytest.raises(DeadlineExceeded):
            await stream.read(whole=100)
        assert await stream.read(whole=100) == ()


async def test_after_a_further_request_it_is_not_either(server: ScriptedServer) -> None:
    """The second request could not be repeated."""
    async with pool_on(server.port) as pool:
        async with pool.stream(TALK, ["sleep 0.1"]) as stream:
            await stream.send("fail UNAVAILABLE Server Is Not Ready")
            assert await stream.read() == ["sleep 0.1"]
            with pytest.raises(ServerNotReady):
                await stream.read()
        assert len(server.seen) == 1


async def test_an_answer_is_final(server: ScriptedServer, bulk: bool) -> None:
    """A refusal by right ends it at once."""
    async with pool_on(server.port) as pool, pool.stream(FOLLOW, ["fail PERMISSION_DENIED no"], bulk=bulk) as stream:
        with pytest.raises(AccessDenied):
            await stream.read()
        assert len(server.seen) == 1


@pytest.mark.parametrize(("text", "before"), [("hold 0", 0), ("hold 2", 2)])
async def test_each_answer_has_the_deadline_of_the_settings(
    server: ScriptedServer, text: str, before: int, bulk: bool
) -> None:
    """A read ends when an answer does not come; how long the whole takes does not matter."""
    deadline = 1.5 if before else 0.3
    async with pool_on(server.port, deadline=deadline) as pool, pool.stream(FOLLOW, [text], bulk=bulk) as stream:
        found: list[str] = []
        while len(found) < before:
            found += await stream.read()
        assert found == [str(number) for number in range(before)]
        with pytest.raises(DeadlineExceeded):
            await stream.read()


async def test_a_long_lived_call_waits_for_ever_after_its_first_answer(server: ScriptedServer, bulk: bool) -> None:
    """Only the first one has the deadline."""
    async with pool_on(server.port, deadline=1) as pool:
        async with pool.stream(FOLLOW, ["hold 1"], long_lived=True, bulk=bulk) as stream:
            assert await stream.read() == ["0"]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.read(), 1.5)
        async with pool.stream(FOLLOW, ["hold 0"], long_lived=True, bulk=bulk) as stream:
            with pytest.raises(DeadlineExceeded):
                await stream.read()


async def test_an_explicit_timeout_ends_the_whole_stream(server: ScriptedServer, bulk: bool) -> None:
    """However quickly its answers came."""
    async with pool_on(server.port) as pool:
        options, began = CallOptions(timeout=0.3), monotonic()
        async with pool.stream(FOLLOW, ["hold 3"], options, long_lived=True, bulk=bulk) as stream:
            with pytest.raises(DeadlineExceeded):
                _ = await all_of(stream)
        assert monotonic() - began < 5


async def test_a_forced_close_is_told_as_such(server: ScriptedServer, bulk: bool) -> None:
    """To who reads and to who does not read at that moment."""
    async with (
        pool_on(server.port) as pool,
        pool.stream(FOLLOW, ["hold 1"], long_lived=True, bulk=bulk) as read,
        pool.stream(FOLLOW, ["hold 1"], long_lived=True, bulk=bulk) as unread,
    ):
        assert [await read.read(), await unread.read()] == [["0"], ["0"]]
        reading = asyncio.ensure_future(read.read())
        await asyncio.sleep(0)
        await pool.close()
        for broken in (reading, unread.read()):
            with pytest.raises(ClosedInFlight):
                await broken


async def test_without_a_connection_it_does_not_begin() -> None:
    """The context is not even entered."""
    async with pool_on(free_port()) as pool:
        with pytest.raises(ConnectionClosed):
            async with pool.stream(FOLLOW, ["count 1"]):
                pytest.fail("entered without a connection")


async def test_read_only_refuses_a_conversation_that_writes(server: ScriptedServer) -> None:
    """Before anything leaves."""
    async with pool_on(server.port, read_only=True) as pool:
        with pytest.raises(ReadOnlyConnection):
            async with pool.stream(TALK, ["one"]):
                pass
        assert not server.seen


async def test_a_request_that_cannot_be_encoded(server: ScriptedServer) -> None:
    """The error says so, and no place is lost."""
    wrong: list[Any] = [1]
    async with pool_on(server.port) as pool:
        with pytest.raises(InvalidArgument, match="can't be sent"):
            async with pool.stream(FOLLOW, wrong, PATIENT):
                pass
        with pytest.raises(InvalidArgument):
            async with pool.stream(FOLLOW, ["fail INVALID_ARGUMENT no"]) as stream:
                await stream.read()
        assert pool.stats()["calls_in_flight"] == 0


async def test_a_stream_waits_for_a_connection_if_calls_may(server: ScriptedServer, bulk: bool) -> None:
    """As unary calls do."""
    port = server.port
    await server.stop()
    async with pool_on(port, wait=PATIENCE) as pool:

        async def first() -> Sequence[str]:
            async with pool.stream(FOLLOW, ["count 1"], PATIENT, bulk=bulk) as stream:
                return await stream.read()

        waiting = asyncio.create_task(first())
        await until(lambda: pool.stats()["calls_waiting"] == 1)
        await server.start()
        assert await waiting == ["0"]


@OVER_GRPCIO
async def test_more_bulk_calls_than_threads_may_be_busy(server: ScriptedServer) -> None:
    """The others are made in the usual way: nobody waits for a thread."""
    async with pool_on(server.port, pool_size=1) as pool, AsyncExitStack() as opened:
        streams = [
            await opened.enter_async_context(pool.stream(FOLLOW, ["hold 2"], long_lived=True, bulk=True))
            for _ in range(3 * MOST_BUSY)
        ]
        firsts = await asyncio.gather(*(stream.read() for stream in streams))
        assert [first[0] for first in firsts] == ["0"] * len(streams)
        assert sum(stream.is_bulk for stream in streams) == MOST_BUSY


@OVER_GRPCIO
async def test_a_bulk_call_without_a_second_connection(server: ScriptedServer) -> None:
    """A host, or something on the way, takes one connection and no more: the call is made on that one."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=1) as pool:
        proxy.refuse()
        async with pool.stream(FOLLOW, ["count 3"], bulk=True) as stream:
            assert await all_of(stream) == ["0", "1", "2"]
        assert (pool.stats()["retries_total"], pool.stats()["failures_total"]) == (1, 0)


async def test_a_lost_bulk_connection_is_made_anew(server: ScriptedServer) -> None:
    """The next call does not suffer from what became of the last one."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=1, wait=PATIENCE) as pool:
        for number in range(1, 4):
            async with pool.stream(FOLLOW, ["hold 1"], long_lived=True, bulk=True) as stream:
                assert await stream.read() == ["0"]
                await proxy.reset()
                with pytest.raises(ConnectionLost):
                    await stream.read()
            assert pool.stats()["failures_total"] == number
            await pool.wait_connected(PATIENCE)


async def test_the_batches_of_a_stream(server: ScriptedServer, bulk: bool) -> None:
    """None of them is empty before the end."""
    async with pool_on(server.port) as pool, pool.stream(FOLLOW, ["count 1000"], bulk=bulk) as stream:
        found = list(await stream.read())
        while batch := await stream.read():
            found += batch
        assert found == [str(number) for number in range(1000)]
        assert await stream.read() == ()
