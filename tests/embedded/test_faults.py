"""Faults that a server is given, as the connection of an app meets them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fastapi_esdb import Connection, EsdbSettings, NewEvent, connect
from fastapi_esdb.embedded import EmbeddedServer, ServerCertificate
from fastapi_esdb.errors import (
    AccessDenied,
    AppendOutcomeUnknown,
    ConnectionLost,
    DeadlineExceeded,
    EsdbError,
    InvalidArgument,
    NotAuthenticated,
    ServerBusy,
    ServerTimeout,
)
from fastapi_esdb.settings.choices import AppendMode
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, UNANSWERED, until

EVENT = NewEvent("Happened", {})


@asynccontextmanager
async def connected(server: EmbeddedServer, **settings: Any) -> AsyncIterator[Connection]:
    async with connect(EsdbSettings(connection_string=server.connection_string, **settings)) as esdb:
        await esdb.wait_connected(PATIENCE)
        yield esdb


@pytest.fixture
async def esdb(request: pytest.FixtureRequest, esdb_server: EmbeddedServer) -> AsyncIterator[Connection]:
    """A connection whose appends travel as the test says."""
    async with connected(esdb_server, append_mode=getattr(request, "param", AppendMode.SHARED)) as esdb:
        yield esdb


HOWEVER_APPENDS_TRAVEL = pytest.mark.parametrize("esdb", [*AppendMode], indirect=True)


async def count(esdb: Connection, stream: str = "s") -> int:
    return len(await esdb.read(stream).to_list())


@OVER_BOTH
@HOWEVER_APPENDS_TRAVEL
async def test_a_lost_answer_is_found_out(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The append was carried out once, and the next one is answered."""
    fault = esdb_server.lose_next_answer()
    assert (await esdb.append("s", EVENT)).revision == 0
    assert fault.happened == 1
    assert (await esdb.append("s", NewEvent("Next", {}))).revision == 1
    assert await count(esdb) == 2


@OVER_BOTH
async def test_a_lost_answer_leaves_the_outcome_unknown(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The connection is lost, as far as the client can tell."""
    esdb_server.lose_next_answer()
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await esdb.append("s", EVENT, retry_unknown=False)
    assert isinstance(caught.value.__cause__, ConnectionLost)
    assert await count(esdb) == 1


@HOWEVER_APPENDS_TRAVEL
async def test_silence(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The client waits until its deadline; the server stops without waiting for anything."""
    esdb_server.lose_next_answer(silently=True)
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await esdb.append("s", EVENT, timeout=UNANSWERED, retry_unknown=False)
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert await count(esdb) == 1


@HOWEVER_APPENDS_TRAVEL
async def test_another_end_of_the_call(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The server has carried the append out, and says that it does not know."""
    esdb_server.lose_next_answer(error=ServerTimeout())
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await esdb.append("s", EVENT, retry_unknown=False)
    assert isinstance(caught.value.__cause__, ServerTimeout)
    assert await count(esdb) == 1


async def test_several_answers_are_lost(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """As many as were asked for, also of calls that are no appends; the client reads again."""
    await esdb.append("s", EVENT)
    fault = esdb_server.lose_next_answer("read", times=2)
    assert await count(esdb) == 1
    assert fault.happened == 2


@OVER_BOTH
async def test_what_is_not_ready_for_a_moment(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """An append that was refused so is sent again, and stored once."""
    fault = esdb_server.refuse(times=1)
    assert (await esdb.append("s", EVENT)).revision == 0
    assert fault.happened == 1
    assert await count(esdb) == 1


@OVER_BOTH
@pytest.mark.parametrize("error", [AccessDenied(), NotAuthenticated(), ConnectionLost()])
@HOWEVER_APPENDS_TRAVEL
async def test_refused_calls(esdb: Connection, esdb_server: EmbeddedServer, error: EsdbError) -> None:
    """Nothing was done, and after the block nothing is refused."""
    with esdb_server.refuse(error, "append") as fault, pytest.raises(EsdbError) as caught:
        await esdb.append("s", EVENT, retry_unknown=False)
    assert isinstance(error, type(caught.value)) or isinstance(caught.value.__cause__, type(error))
    assert fault.happened
    assert (await esdb.append("s", EVENT)).revision == 0


async def test_it_is_named_calls_that_are_refused(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Others go on."""
    await esdb.append("s", EVENT)
    with esdb_server.refuse(AccessDenied(), ["Streams.Del*", "Streams.Tombstone"]):
        with pytest.raises(AccessDenied):
            await esdb.delete("s")
        assert await count(esdb) == 1
    await esdb.delete("s")


async def test_what_clients_ask_by_themselves_goes_on(esdb_server: EmbeddedServer) -> None:
    """While all calls are refused a client connects; where it is named its own call is refused, too."""
    with esdb_server.refuse():
        async with connected(esdb_server):
            pass
    with esdb_server.refuse(ServerBusy(), "ServerFeatures.*") as fault:
        async with connect(esdb_server.connection_string) as esdb:
            await until(lambda: fault.happened)
            assert not esdb.is_connected


@HOWEVER_APPENDS_TRAVEL
async def test_slow_calls(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Each takes so much longer, also several at once."""
    with esdb_server.slow(0.05, "append"):
        began = time.monotonic()
        appended = await asyncio.gather(*[esdb.append("s", NewEvent("Happened", {})) for _ in range(3)])
        assert time.monotonic() - began >= 0.05
    assert sorted(result.revision or 0 for result in appended) == [0, 1, 2]


async def test_a_slow_call_that_is_refused(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """A fault that ended while calls were held up meets none of them any more."""
    with esdb_server.slow(0.05, "read"):
        refused = esdb_server.refuse(AccessDenied(), "read", times=1)
        reads = [esdb.read("s", missing_ok=True, limit=1000).to_list() for _ in range(3)]
        ends = await asyncio.gather(*reads, return_exceptions=True)
    assert refused.happened == 1
    assert [type(end) for end in ends].count(AccessDenied) == 1


async def test_too_slow_calls(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The deadline passes."""
    await esdb.append("s", EVENT)
    with esdb_server.slow(PATIENCE, "read") as fault, pytest.raises(DeadlineExceeded):
        await esdb.read("s", timeout=UNANSWERED).to_list()
    assert fault.happened


@OVER_BOTH
async def test_a_freeze(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Nothing is answered; what was sent meanwhile is carried out afterwards."""
    await esdb.append("s", EVENT)
    async with esdb.subscribe("s") as events:
        await anext(events)
        with esdb_server.freeze():
            append = asyncio.create_task(esdb.append("s", NewEvent("Later", {})))
            with pytest.raises(DeadlineExceeded):
                await esdb.read("s", timeout=UNANSWERED).to_list()
            assert not append.done()
        assert (await append).revision == 1
        assert (await anext(events)).type == "Later"


async def test_faults_from_another_thread(esdb_server: EmbeddedServer) -> None:
    """A thread may freeze a server and have it go on."""
    async with connected(esdb_server) as esdb:
        freeze = await asyncio.to_thread(esdb_server.freeze)
        append = asyncio.create_task(esdb.append("s", EVENT))
        await until(lambda: esdb_server.open_calls.get("Streams.BatchAppend"))
        threading.Thread(target=freeze.end).start()
        assert (await append).revision == 0


async def test_a_stop_ends_faults(esdb_server: EmbeddedServer) -> None:
    """A server that is started again after it was frozen answers."""
    esdb_server.freeze()
    esdb_server.refuse()
    await esdb_server.stop()
    await esdb_server.start()
    async with connected(esdb_server) as esdb:
        assert (await esdb.append("s", EVENT)).revision == 0


@OVER_BOTH
async def test_with_tls() -> None:
    """It makes no difference."""
    async with EmbeddedServer(tls=ServerCertificate.made()) as server, connected(server) as esdb:
        server.lose_next_answer()
        assert (await esdb.append("s", EVENT)).revision == 0
        with server.freeze(), pytest.raises(DeadlineExceeded):
            await esdb.read("s", timeout=UNANSWERED).to_list()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calls": "Stream.Read"}, "'append', 'read', 'consume', or names like 'Streams.Read'"),
        ({"times": 0}, "times is 0: it must be a whole number from 1 on"),
        ({"times": True}, "times is True"),
        ({"error": ValueError()}, "error must be an EsdbError, such as ServerBusy(), not ValueError"),
    ],
)
def test_faults_that_are_none(options: Any, said: str) -> None:
    """The error says what would be one."""
    server = EmbeddedServer()
    for method in (server.refuse, server.lose_next_answer):
        with pytest.raises(InvalidArgument) as caught:
            method(**options)
        assert said in str(caught.value)


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "1"])
def test_times_that_are_none(seconds: Any) -> None:
    """A slow call takes some time, and no infinite one."""
    with pytest.raises(InvalidArgument, match="seconds"):
        EmbeddedServer().slow(seconds)


def test_either_silence_or_an_error() -> None:
    """They exclude each other."""
    with pytest.raises(InvalidArgument, match="one of the two"):
        EmbeddedServer().lose_next_answer(error=ServerTimeout(), silently=True)
