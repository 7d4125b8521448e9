"""A server that comes back with fewer events than a subscription has seen."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fastapi_esdb import filters
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.streams.values import CaughtUp, FellBehind
from tests.api.consuming import append
from tests.support.processes import free_port
from tests.support.waiting import PATIENCE, take

FAR = Position(10**9, 10**9)
WARNING = "was the server put back to an earlier state"


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the log says about it, since the last time."""
    caplog.set_level(logging.WARNING, "fastapi_esdb")

    def found() -> list[str]:
        texts = [text for text in caplog.messages if WARNING in text]
        caplog.clear()
        return texts

    return found


async def caught_up(subscription: Subscription[Any]) -> AsyncIterator[Any]:
    """Its messages, after the one that it is at the end."""
    messages = subscription.messages()
    while not isinstance((await take(messages, 1))[0], CaughtUp):
        pass
    return messages


async def test_a_server_that_comes_back_with_fewer_events(warned: Callable[[], list[str]]) -> None:
    """The log says so, and the subscription is not live, until the stream has grown beyond its place."""
    port = free_port()
    string: Any = f"esdb://127.0.0.1:{port}?tls=false"
    async with connect(EsdbSettings(connection_string=string, retry_interval=0.05)) as esdb:
        async with EmbeddedServer(port=port):
            await esdb.wait_connected(PATIENCE)
            await append(esdb, 3)
            subscription = esdb.subscribe("s")
            messages = await caught_up(subscription)
            assert subscription.is_live
            assert not warned()
        async with EmbeddedServer(port=port):
            assert isinstance((await take(messages, 1))[0], FellBehind)
            await esdb.wait_connected(PATIENCE)
            await append(esdb, 1)
            assert isinstance((await take(messages, 1))[0], CaughtUp)
            assert not subscription.is_live
            [text] = warned()
            assert text.startswith("the subscription to 's' goes on after 2, and what it follows ends ")
            await append(esdb, 3)
            [event] = await take(messages, 1)
            assert isinstance(event, RecordedEvent)
            assert event.revision == 3
            assert subscription.is_live
            await subscription.aclose()


BEYOND: dict[str, tuple[Callable[[Connection], Subscription[Any]], str, bool]] = {
    "a stream": (
        lambda esdb: esdb.subscribe("s", after=9),
        "'s' goes on after 9, and what it follows ends at 2",
        False,
    ),
    "no stream": (lambda esdb: esdb.subscribe("t", after=9), "ends before its first event", False),
    "all": (lambda esdb: esdb.subscribe_all(after=FAR), "'$all' goes on after C:1000000000/P:1000000000", False),
    "all, perhaps": (
        lambda esdb: esdb.subscribe_all(after=FAR, filter=filters.by_stream("s")),
        "'$all' goes on after C:1000000000/P:1000000000",
        True,
    ),
}


@pytest.mark.parametrize("case", BEYOND)
async def test_a_place_that_is_passed_may_be_beyond_the_end(
    esdb: Connection, warned: Callable[[], list[str]], case: str
) -> None:
    """As that of an app that kept its checkpoint. With a filter it need not be an event's, so it is only logged."""
    make, text, is_live = BEYOND[case]
    await append(esdb, 3)
    async with make(esdb) as subscription:
        await caught_up(subscription)
        assert subscription.is_live is is_live
    [warning] = warned()
    assert text in warning


async def test_a_place_that_is_there_is_not_beyond_the_end(esdb: Connection, warned: Callable[[], list[str]]) -> None:
    """Also where its event is hidden, and where the stream was deleted: its revisions go on."""
    await append(esdb, 3)
    [*_, last] = await esdb.read("s").to_list()
    await esdb.set_metadata("s", StreamMetadata(truncate_before=100))
    for make in (
        lambda: esdb.subscribe("s", after=2),
        lambda: esdb.subscribe("s", after=1),
        lambda: esdb.subscribe_all(after=last),
        lambda: esdb.subscribe("new"),
    ):
        async with make() as subscription:
            await caught_up(subscription)
            assert subscription.is_live
    await esdb.delete("s")
    async with esdb.subscribe("s", after=2) as subscription:
        messages = await caught_up(subscription)
        assert subscription.is_live
        await esdb.append("s", NewEvent("Again", {}))
        assert [message.revision for message in await take(messages, 1)] == [3]
    assert not warned()
