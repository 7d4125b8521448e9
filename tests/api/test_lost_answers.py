"""Writes that a server carries out and does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import AppendClosedInFlight, AppendOutcomeUnknown, OutcomeUnknown
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.wire.errors import (
    ConnectionLost,
    DeadlineExceeded,
    EsdbError,
    HandlerFailed,
    ServerTimeout,
    StreamDeleted,
    StreamNotFound,
)
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, StreamState
from tests.support.lost_answers import lose_answers
from tests.support.processes import settings_for
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, UNANSWERED

EVERY = [ANY, NO_STREAM, STREAM_EXISTS, 0]
EXACT = [NO_STREAM, 0]

every_expectation = pytest.mark.parametrize("expected", EVERY)
exact_expectations = pytest.mark.parametrize("expected", EXACT)


@pytest.fixture(params=AppendMode)
def append_mode(request: pytest.FixtureRequest) -> AppendMode:
    """Each of them."""
    mode: AppendMode = request.param
    return mode


@pytest.fixture
async def proxy(esdb_server: EmbeddedServer) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(esdb_server.port) as proxy:
        yield proxy


@pytest.fixture
async def proxied(proxy: FaultProxy, append_mode: AppendMode) -> AsyncIterator[Connection]:
    """A connection through the proxy."""
    async with connect(settings_for(proxy.port, append_mode=append_mode)) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection


async def begun(esdb: Connection, expected: int | StreamState) -> int:
    """A stream in which the expectation holds; returns how many events it has."""
    if expected in (ANY, NO_STREAM):
        return 0
    await esdb.append("s", NewEvent("First", {}))
    return 1


async def stored(esdb: Connection) -> list[str]:
    try:
        return [event.type async for event in esdb.read("s")]
    except StreamNotFound:
        return []


@every_expectation
async def test_silence_leaves_the_outcome_unknown(
    esdb: Connection, carrier: str, esdb_server: EmbeddedServer, expected: int | StreamState
) -> None:
    """The error has the ids, and the events are there once."""
    before = await begun(esdb, expected)
    answers = lose_answers(esdb_server, carrier)
    event = NewEvent("Unanswered", {})
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await esdb.append("s", event, expected, timeout=UNANSWERED, retry_unknown=False)
    assert (caught.value.stream, caught.value.expected, caught.value.ids) == ("s", expected, (event.id,))
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert answers.happened == 1
    assert (await stored(esdb))[before:] == ["Unanswered"]


@pytest.mark.parametrize("error", [ServerTimeout(), HandlerFailed("Exception was thrown by handler.")])
async def test_an_answer_that_says_nothing_leaves_the_outcome_unknown(
    esdb: Connection, carrier: str, esdb_server: EmbeddedServer, error: EsdbError
) -> None:
    """The server gave up after the write, or fell over."""
    lose_answers(esdb_server, carrier, error)
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await esdb.append("s", NewEvent("Unanswered", {}), NO_STREAM, retry_unknown=False)
    assert isinstance(caught.value.__cause__, type(error))
    assert await stored(esdb) == ["Unanswered"]


@every_expectation
@pytest.mark.parametrize("error", [None, ServerTimeout(), HandlerFailed()])
async def test_it_is_found_out(
    esdb: Connection,
    carrier: str,
    esdb_server: EmbeddedServer,
    expected: int | StreamState,
    error: EsdbError | None,
) -> None:
    """One copy, and the answer of the first sending."""
    before = await begun(esdb, expected)
    answers = lose_answers(esdb_server, carrier, error)
    result = await esdb.append("s", NewEvent("Unanswered", {}), expected, timeout=2 * UNANSWERED)
    assert result.revision == before
    assert answers.happened == 1
    assert (await stored(esdb))[before:] == ["Unanswered"]


@pytest.mark.parametrize("retry_unknown", [None, True])
async def test_it_is_the_settings_that_decide(
    esdb_server: EmbeddedServer, append_mode: AppendMode, carrier: str, retry_unknown: bool | None
) -> None:
    """Unless the call says otherwise."""
    settings = settings_for(esdb_server.port, append_mode=append_mode, retry_unknown=False)
    lose_answers(esdb_server, carrier, ServerTimeout())
    async with connect(settings) as esdb:
        await esdb.wait_connected(PATIENCE)
        append = esdb.append("s", NewEvent("Unanswered", {}), retry_unknown=retry_unknown)
        if retry_unknown:
            assert (await append).revision == 0
        else:
            with pytest.raises(AppendOutcomeUnknown):
                await append


async def test_a_server_that_stays_silent_leaves_the_outcome_unknown(
    esdb: Connection, carrier: str, esdb_server: EmbeddedServer
) -> None:
    """However often it is asked, within one deadline."""
    answers = lose_answers(esdb_server, carrier, times=100)
    with pytest.raises(AppendOutcomeUnknown):
        await esdb.append("s", NewEvent("Unanswered", {}), NO_STREAM, timeout=2 * UNANSWERED)
    assert answers.happened > 1
    assert await stored(esdb) == ["Unanswered"]


async def test_others_may_come_between(esdb: Connection, carrier: str, esdb_server: EmbeddedServer) -> None:
    """It is found behind them, and answered as the first sending would have been."""
    lose_answers(esdb_server, carrier)
    again = esdb.append("s", NewEvent("Unanswered", {}), ANY, timeout=2 * UNANSWERED)
    append = asyncio.create_task(again)
    await until_stored(esdb)
    await esdb.append("s", NewEvent("Other", {}))
    assert (await append).revision == 0
    assert await stored(esdb) == ["Unanswered", "Other"]


async def test_a_cut_connection_leaves_the_outcome_unknown(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """The request arrived, the answer did not."""
    proxy.mute()
    append = asyncio.create_task(proxied.append("s", NewEvent("Unanswered", {}), NO_STREAM, retry_unknown=False))
    await until_stored(esdb)
    await proxy.reset()
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append
    assert isinstance(caught.value.__cause__, ConnectionLost)


@pytest.mark.parametrize("expected", [ANY, NO_STREAM])
async def test_a_cut_connection_is_gone_over(
    esdb: Connection, proxied: Connection, proxy: FaultProxy, expected: StreamState
) -> None:
    """The stream is looked at when the connection is back."""
    proxy.mute()
    again = proxied.append("s", NewEvent("Unanswered", {}), expected, timeout=PATIENCE)
    append = asyncio.create_task(again)
    await until_stored(esdb)
    proxy.heal()
    await proxy.reset()
    assert (await append).revision == 0
    assert await stored(esdb) == ["Unanswered"]


async def test_a_close_on_purpose_leaves_the_outcome_unknown(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """The error says that it was closed, too."""
    proxy.mute()
    append = asyncio.create_task(proxied.append("s", NewEvent("Unanswered", {}), NO_STREAM))
    await until_stored(esdb)
    await proxied.close()
    with pytest.raises(AppendClosedInFlight):
        await append


@pytest.mark.parametrize(("name", "removed"), [("delete", StreamNotFound), ("tombstone", StreamDeleted)])
async def test_a_removal_without_answer_leaves_the_outcome_unknown(
    esdb: Connection, esdb_server: EmbeddedServer, name: str, removed: type[EsdbError]
) -> None:
    """It happened, and nobody was told."""
    await esdb.append("s", NewEvent("First", {}))
    lose_answers(esdb_server, name.capitalize())
    with pytest.raises(OutcomeUnknown) as caught:
        await getattr(esdb, name)("s", timeout=UNANSWERED)
    assert caught.value.stream == "s"
    with pytest.raises(removed):
        await esdb.read("s").to_list()


async def until_stored(esdb: Connection) -> None:
    """Wait for the append that goes through the proxy, seen from beside it."""
    async with asyncio.timeout(PATIENCE):
        async for _ in esdb.subscribe("s"):
            return
