"""Calls over a pool: what is refused, made again, waited for."""

from __future__ import annotations

import asyncio
import time
from time import monotonic

import pytest
from pydantic import SecretStr

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.errors import ConnectionClosed, NotSentInTime, ReadOnlyConnection
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.wire.errors import (
    ConnectionLost,
    DeadlineExceeded,
    HandlerFailed,
    InvalidArgument,
    ServerBusy,
)
from fastapi_esdb.wire.headers import basic
from tests.support.pools import PATIENT, pool_on
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.scripted import COLLECT, READ, WRITE, ScriptedServer
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, UNANSWERED, Stopwatch, until

pytestmark = OVER_BOTH


def times_seen(server: ScriptedServer, text: str) -> int:
    return sum(seen == text for _, seen in server.seen)


async def test_calls_of_each_shape(server: ScriptedServer) -> None:
    """One request or several, one answer or several."""
    async with pool_on(server.port) as pool:
        assert await pool.call(READ, "hello") == "hello"
        assert await pool.send(COLLECT, ["a", "b"]) == "a b"


@pytest.mark.parametrize("refusal", ["UNAVAILABLE Server Is Not Ready", "UNAVAILABLE Server Is Too Busy"])
async def test_what_the_server_did_not_do_is_sent_again(server: ScriptedServer, refusal: str) -> None:
    """Writes too: the third time it works, and the caller sees nothing of it."""
    text = f"twice {refusal}"
    async with pool_on(server.port) as pool:
        assert await pool.call(WRITE, text) == text
        assert await pool.send(COLLECT, [text]) == text
        assert times_seen(server, text) == 3
        assert pool.stats()["retries_total"] >= 2


async def test_the_deadline_ends_the_repeating(server: ScriptedServer) -> None:
    """The error is the server's own, and it comes before the deadline and not long after."""
    async with pool_on(server.port) as pool:
        async with Stopwatch() as watch:
            with pytest.raises(ServerBusy):
                await pool.call(WRITE, "fail UNAVAILABLE Server Is Too Busy", CallOptions(timeout=0.5))
        assert watch.seconds < 5
        assert 1 < len(server.seen) < 7


async def test_a_deadline_that_passes_while_the_loop_is_busy(server: ScriptedServer) -> None:
    """Between two attempts: the error is the server's own all the same."""
    async with pool_on(server.port) as pool:
        call = asyncio.create_task(
            pool.call(WRITE, "fail UNAVAILABLE Server Is Too Busy", CallOptions(timeout=UNANSWERED))
        )
        await until(
            lambda: len(server.seen) >= 3 and not server.active["Write"] and not pool.stats()["calls_in_flight"]
        )
        time.sleep(UNANSWERED)  # noqa: ASYNC251 - it is what busy loops do
        with pytest.raises(ServerBusy):
            await call


async def test_a_write_of_unknown_outcome_is_not_repeated(server: ScriptedServer) -> None:
    """It may have happened."""
    text = "twice ABORTED Operation timed out"
    async with pool_on(server.port) as pool:
        with pytest.raises(Exception, match="timed out"):
            await pool.call(WRITE, text)
        assert times_seen(server, text) == 1
        assert await pool.call(READ, text) == text


async def test_an_answer_is_not_repeated(server: ScriptedServer) -> None:
    """The server has decided."""
    async with pool_on(server.port) as pool:
        with pytest.raises(InvalidArgument):
            await pool.call(READ, "fail INVALID_ARGUMENT no")
        assert len(server.seen) == 1


async def test_a_failed_handler_is_tried_twice(server: ScriptedServer) -> None:
    """A read gets one more chance, and no third one."""
    async with pool_on(server.port) as pool:
        with pytest.raises(HandlerFailed):
            await pool.call(READ, "fail UNKNOWN Exception was thrown by handler.")
        assert len(server.seen) == 2


async def test_a_read_survives_a_reset(server: ScriptedServer) -> None:
    """It is made again on the next connection, within its deadline."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=1, wait=PATIENCE) as pool:
        call = asyncio.create_task(pool.call(READ, "sleep 0.2", PATIENT))
        await until(lambda: server.active["Read"])
        await proxy.reset()
        assert await call == "sleep 0.2"
        assert times_seen(server, "sleep 0.2") == 2


async def test_a_write_does_not_survive_a_reset(server: ScriptedServer) -> None:
    """The caller is told that the connection was lost under it."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port) as pool:
        call = asyncio.create_task(pool.call(WRITE, "wait", PATIENT))
        await until(lambda: server.active["Write"])
        await proxy.reset()
        with pytest.raises(ConnectionLost):
            await call
        assert times_seen(server, "wait") == 1


async def test_without_a_connection_calls_fail_at_once() -> None:
    """Within milliseconds, with the reason as the cause."""
    async with pool_on(free_port()) as pool:
        assert pool.state == "connecting"
        took = []
        for _ in range(20):
            began = monotonic()
            with pytest.raises(ConnectionClosed):
                await pool.call(READ, "hello")
            took.append(monotonic() - began)
        assert sorted(took)[10] < 0.005


async def test_calls_can_wait_for_a_connection() -> None:
    """With `wait` they queue until the server is there."""
    server = ScriptedServer()
    server.port = free_port()
    async with pool_on(server.port, wait=PATIENCE) as pool:
        calls = [asyncio.create_task(pool.call(READ, str(number), PATIENT)) for number in range(10)]
        await until(lambda: pool.stats()["calls_waiting"] == 10)
        async with server:
            assert await asyncio.gather(*calls) == [str(number) for number in range(10)]
            await pool.close()


async def test_waiting_ends_after_the_wait() -> None:
    """The call was not sent: there is no connection."""
    async with pool_on(free_port(), wait=0.1) as pool:
        with pytest.raises(ConnectionClosed):
            await pool.call(WRITE, "hello", PATIENT)


async def test_waiting_ends_at_the_deadline() -> None:
    """If that is sooner, the call's own time was over before it could leave."""
    async with pool_on(free_port(), wait=PATIENCE) as pool:
        async with Stopwatch() as watch:
            with pytest.raises(NotSentInTime):
                await pool.call(WRITE, "hello", CallOptions(timeout=0.1))
        assert watch.seconds < 5


async def test_every_call_has_a_deadline(server: ScriptedServer) -> None:
    """Also one that sets none: that of the settings, which covers everything."""
    async with pool_on(server.port, deadline=0.2) as pool:
        assert pool.deadline == 0.2
        for call in (pool.call(READ, "wait"), pool.send(COLLECT, ["wait"])):
            async with Stopwatch() as watch:
                with pytest.raises(DeadlineExceeded):
                    await call
            assert watch.seconds < 5


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf")])
async def test_a_timeout_that_is_none(server: ScriptedServer, timeout: float) -> None:
    """A call must end."""
    async with pool_on(server.port) as pool:
        with pytest.raises(InvalidArgument, match="timeout"):
            await pool.call(READ, "hello", CallOptions(timeout=timeout))


async def test_no_time_at_all(server: ScriptedServer) -> None:
    """A time-out of 0 sends nothing."""
    async with pool_on(server.port) as pool:
        with pytest.raises(NotSentInTime):
            await pool.call(READ, "hello", CallOptions(timeout=0))
        assert not server.seen


async def test_read_only_refuses_writes_before_they_leave(server: ScriptedServer) -> None:
    """Of every shape, also without a connection; reads go through."""
    async with pool_on(server.port, read_only=True) as pool:
        assert await pool.call(READ, "hello") == "hello"
        with pytest.raises(ReadOnlyConnection, match=r"/test\.Scripted/Write"):
            await pool.call(WRITE, "hello")
        with pytest.raises(ReadOnlyConnection):
            await pool.send(COLLECT, ["hello"])
        await pool.close()
        with pytest.raises(ReadOnlyConnection):
            await pool.call(WRITE, "hello")
    assert [name for name, _ in server.seen] == ["Read"]


async def test_who_calls(server: ScriptedServer) -> None:
    """The user of the settings, unless the call has one of its own."""
    async with pool_on(server.port, user="ada:secret@", connection_name="shop") as pool:
        await pool.call(READ, "hello")
        await pool.call(WRITE, "hello", CallOptions(credentials=Credentials("eve", SecretStr("other"))))
    assert [headers.authorization for headers in server.headers] == [basic("ada", "secret"), basic("eve", "other")]
    assert [headers.requires_leader for headers in server.headers] == [None, True]
    assert {headers.connection_name for headers in server.headers} == {"shop"}


async def test_a_cancelled_call_gives_its_place_back(server: ScriptedServer) -> None:
    """And it ends on the server."""
    async with pool_on(server.port) as pool:
        call = asyncio.create_task(pool.call(READ, "wait", PATIENT))
        await until(lambda: server.active["Read"])
        assert pool.stats()["calls_in_flight"] == 1
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert pool.stats()["calls_in_flight"] == 0
        await until(lambda: not server.active["Read"])


async def test_calls_are_counted(server: ScriptedServer) -> None:
    """Begun, failed, repeated."""
    async with pool_on(server.port) as pool:
        await pool.call(READ, "twice UNAVAILABLE Server Is Not Ready")
        with pytest.raises(InvalidArgument):
            await pool.call(READ, "fail INVALID_ARGUMENT no")
        stats = pool.stats()
        assert (stats["calls_total"], stats["failures_total"], stats["retries_total"]) == (2, 1, 2)
