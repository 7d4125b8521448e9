"""Events that are given, a request, its answer and the events that are new."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from fastapi_esdb import Connection, NewEvent
from fastapi_esdb.plugin.sync import SyncConnection
from fastapi_esdb.testing import given_streams, running
from tests.support.waiting import PATIENCE
from tests.testing.shop import OrderPaid, OrderPlaced, app

PLACED, PAID = OrderPlaced(cents=500), OrderPaid(cents=500)
PAYMENT = "/orders/1/payment"


@pytest.fixture
async def client(esdb_connection: Connection) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app)
    async with running(app), httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
        yield client


@pytest.fixture
def sync_client(esdb_sync_connection: SyncConnection) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


async def test_an_answer_and_new_events(esdb_connection: Connection, client: httpx2.AsyncClient) -> None:
    """What was there before is no new event, and the answer is still there for further checks."""
    await esdb_connection.append("order-1", OrderPlaced(cents=300))
    outcome = await given_streams(esdb_connection, {"order-1": PLACED, "order-2": [PLACED, PAID]}).when(
        client.post, PAYMENT
    )
    outcome.then(200, json={"cents": 500, "is_paid": True}, events={"order-1": PAID})
    assert [(event.stream, event.revision) for event in outcome.events] == [("order-1", 2)]
    assert outcome.response.headers["Content-Type"] == "application/json"


async def test_nothing_new(esdb_connection: Connection, client: httpx2.AsyncClient) -> None:
    """Without events that are expected there must be none."""
    paid = {"order-1": [PLACED, PAID]}
    (await given_streams(esdb_connection, paid).when(client.post, PAYMENT)).then(200)
    (await given_streams(esdb_connection).when(client.post, "/orders/7/payment")).then(404)


def test_in_a_def(esdb_sync_connection: SyncConnection, sync_client: TestClient) -> None:
    """The same with TestClient, without an await."""
    given = given_streams(esdb_sync_connection, {"order-1": PLACED})
    given.when(sync_client.post, PAYMENT).then(200, json={"cents": 500, "is_paid": True}, events={"order-1": [PAID]})
    given_streams(esdb_sync_connection).when(sync_client.post, PAYMENT).then(200, events={})


async def test_streams_that_others_write_to(esdb_connection: Connection, client: httpx2.AsyncClient) -> None:
    """Only those that are named count then; they are compared as ever."""

    async def answered_late(url: str) -> httpx2.Response:
        await esdb_connection.append("mails", NewEvent("Sent", {}))
        return await client.post(url)

    outcome = await given_streams(esdb_connection, {"order-1": PLACED}).when(answered_late, PAYMENT)
    outcome.then(200, events={"order-1": PAID}, others=True)
    outcome.then(200, others=True)
    for expected, others in (({"order-1": PAID}, False), ({"order-1": PLACED}, True), ({"order-2": PAID}, True)):
        with pytest.raises(AssertionError, match="not as expected"):
            outcome.then(200, events=expected, others=others)


async def test_metadata_that_are_expected(esdb_connection: Connection, client: httpx2.AsyncClient) -> None:
    """What the expected event says of them has to be there; there may be more."""
    outcome = await given_streams(esdb_connection).when(client.post, "/notes/n", params={"by": "ann"})
    outcome.then(204, events={"n": NewEvent("Noted", {"text": "a note"})})
    outcome.then(204, events={"n": NewEvent("Noted", {"text": "a note"}, {"by": "ann"})})
    with pytest.raises(AssertionError, match=r'metadata \{"by": "bob"\}'):
        outcome.then(204, events={"n": NewEvent("Noted", {"text": "a note"}, {"by": "bob"})})


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"status": 201}, "the status is 200, and expected was 201: "),
        ({"json": {"cents": 400, "is_paid": True}}, '-   "cents": 500,\n.*\\+   "cents": 400,'),
        ({"events": {}}, "the new events of 'order-1' (-) are not as expected (+):\n  - OrderPaid {\"cents\": 500}"),
        ({"events": {"order-1": OrderPaid(cents=4)}}, '- OrderPaid {"cents": 500}\n.*\\+ OrderPaid {"cents": 4}'),
        ({"events": {"order-1": [PAID, PAID]}}, '    OrderPaid {"cents": 500}.*\n  \\+ OrderPaid {"cents": 500}'),
        ({"events": {"order-1": PAID, "order-2": PAID}}, "the new events of 'order-2' (-) are not as expected (+)"),
        ({"events": {"order-1": PLACED}}, "+ OrderPlaced"),
    ],
)
async def test_differences(
    esdb_connection: Connection, client: httpx2.AsyncClient, expected: dict[str, Any], said: str
) -> None:
    """The error shows them, and nothing that is as expected."""
    outcome = await given_streams(esdb_connection, {"order-1": PLACED}).when(client.post, PAYMENT)
    matching = {"status": 200, "events": {"order-1": PAID}}
    with pytest.raises(AssertionError) as caught:
        outcome.then(**{**matching, **expected})
    assert said in str(caught.value) or re.search(said, str(caught.value), re.DOTALL)


async def test_an_answer_that_is_no_json(esdb_connection: Connection, client: httpx2.AsyncClient) -> None:
    """It is compared as a text."""
    outcome = await given_streams(esdb_connection).when(client.post, "/notes/n")
    outcome.then(204, json="", events={"n": NewEvent("Noted", {"text": "a note"})})
    with pytest.raises(AssertionError, match=r"\+ \{\}"):
        outcome.then(204, json={}, events={"n": NewEvent("Noted", {"text": "a note"})})


async def test_what_can_not_be_given(esdb_connection: Connection) -> None:
    """It is refused before anything is stored."""
    with pytest.raises(ValueError, match="events must be"):
        given_streams(esdb_connection, {"order-1": PLACED, "order-2": 7})  # type: ignore[dict-item]
    assert await esdb_connection.read("order-1", missing_ok=True, timeout=PATIENCE).to_list() == []
