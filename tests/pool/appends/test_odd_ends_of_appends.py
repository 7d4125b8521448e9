"""Appends whose call ends in odd ways: each hears of it at once, whatever the server has sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fastapi_esdb import Connection, NewEvent, connect
from fastapi_esdb.connection.batch_call import BatchCall
from fastapi_esdb.errors import AppendOutcomeUnknown
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import EsdbError, HandlerFailed, MaximumAppendSizeExceeded, StreamDeleted
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.status.trailers import ROWS
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND
from tests.support.fake_server import FakeServer, Trailers, fails
from tests.support.pools import our_tasks
from tests.support.waiting import PATIENCE, UNANSWERED

FAILED_PRECONDITION = 9
WAYS: dict[AppendMode, Method[Any, Any]] = {AppendMode.SHARED: BATCH_APPEND, AppendMode.SINGLE: APPEND}
VALUES = {"nothing": "", "high bytes": b"\xff\x80\xe9", "long number": "9" * 5000, "odd number": "-²٣"}
PENDING = 3


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as running:
        yield running


async def ends(
    server: FakeServer, mode: AppendMode, *trailers: Trailers, timeout: float = PATIENCE
) -> list[list[object]]:
    """What appends end with whose calls all end so, for each of the trailers."""
    settings = EsdbSettings(connection_string=server.connection_string, append_mode=mode)
    async with connect(settings) as esdb:
        return [await ends_with(server, esdb, told, timeout) for told in trailers]


async def ends_with(server: FakeServer, esdb: Connection, trailers: Trailers, timeout: float) -> list[object]:
    for method in WAYS.values():
        server.on(method, fails(FAILED_PRECONDITION, trailers))
    appends = [esdb.append(f"s-{number}", NewEvent("T", {}), timeout=timeout) for number in range(PENDING)]
    async with asyncio.timeout(PATIENCE):
        return list(await asyncio.gather(*appends, return_exceptions=True))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("mode", WAYS)
async def test_every_failure_that_trailers_can_tell(server: FakeServer, mode: AppendMode, value: str | bytes) -> None:
    """Is an error of ours in every append that waits, with whatever stands in the other trailers."""
    told: dict[str, dict[str, str | bytes]] = {}
    for row in ROWS:
        told.setdefault(row.exception, {"exception": row.exception}).update(dict.fromkeys(row.trailers, value))
    for exception, found in zip(told, await ends(server, mode, *told.values(), timeout=0.5), strict=True):
        assert all(isinstance(end, EsdbError) for end in found), (exception, found)
        assert all(str(end) and repr(end) for end in found)


async def test_a_stream_that_is_deleted(server: FakeServer) -> None:
    """Is the answer to each append by itself, in a call of its own."""
    (found,) = await ends(server, AppendMode.SINGLE, {"exception": "stream-deleted", "stream-name": "s"})
    assert [type(end) for end in found] == [StreamDeleted] * PENDING
    assert {end.stream for end in found if isinstance(end, StreamDeleted)} == {f"s-{n}" for n in range(PENDING)}


async def test_a_maximum_that_is_no_number(server: FakeServer) -> None:
    """Is not told."""
    told = {"exception": "maximum-append-size-exceeded", "maximum-append-size": "9" * 5000}
    (found,) = await ends(server, AppendMode.SINGLE, told)
    assert {end.maximum for end in found if isinstance(end, MaximumAppendSizeExceeded)} == {None}


@pytest.fixture
async def esdb(server: FakeServer) -> AsyncIterator[Connection]:
    """A connection to a server that ends a call of appends when it has got all of them."""
    async with connect(EsdbSettings(connection_string=server.connection_string)) as connection:
        yield connection


async def test_an_error_that_cannot_be_copied(
    server: FakeServer, esdb: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keeps nobody waiting: whoever can't be told it is told that the outcome is unknown."""

    def refuse(_: HandlerFailed) -> str:
        raise TypeError("no copies of this")

    monkeypatch.setattr(HandlerFailed, "__reduce__", refuse)
    server.on(BATCH_APPEND, fails(2))
    appends = [esdb.append(f"s-{number}", NewEvent("T", {}), timeout=PATIENCE) for number in range(PENDING)]
    found = await asyncio.gather(*appends, return_exceptions=True)
    assert any(isinstance(end, AppendOutcomeUnknown) for end in found)
    assert all(isinstance(end, EsdbError) for end in found)


async def test_a_deadline_holds_when_the_end_of_the_call_goes_wrong(
    server: FakeServer, esdb: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised while those who wait are to be told."""

    def refuse(_: BatchCall, error: EsdbError) -> None:
        raise RuntimeError("nobody is told", error)

    monkeypatch.setattr(BatchCall, "_tell_end", refuse)
    server.on(BATCH_APPEND, fails(FAILED_PRECONDITION))
    with pytest.raises(AppendOutcomeUnknown):
        await asyncio.wait_for(esdb.append("s", NewEvent("T", {}), timeout=UNANSWERED), PATIENCE)
    assert "esdb-batches" not in our_tasks()
