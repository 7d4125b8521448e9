"""Live events, over a real socket since they never end."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import httpx2
import pytest

from tests.example_app.conftest import AUTHORIZED
from tests.support.serving import sent_events
from tests.support.waiting import eventually

ORDER = {"customer": "Ada", "items": [{"name": "Cup", "price_cents": 1800}]}


def place(shop: httpx2.Client, order_id: str) -> None:
    shop.post(f"/orders/{order_id}", json=ORDER).raise_for_status()


def happening(event: dict[str, str]) -> tuple[str, str]:
    data: dict[str, Any] = json.loads(event["data"])
    return data["order_id"], data["type"]


def test_what_has_happened_comes_first_and_then_what_happens(shop: httpx2.Client) -> None:
    """The history of all orders is followed by what is appended while the browser listens."""
    place(shop, "A-1")
    with shop.stream("GET", "/live") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        coming = sent_events(response)
        assert happening(next(coming)) == ("A-1", "OrderPlaced")
        shop.post("/orders/A-1/pay").raise_for_status()
        assert happening(next(coming)) == ("A-1", "OrderPaid")


def first_ids(shop: httpx2.Client, count: int) -> list[str]:
    with shop.stream("GET", "/live") as response:
        return [event["id"] for event in islice(sent_events(response), count)]


@pytest.mark.parametrize("by", ["header", "query"])
def test_a_browser_that_comes_back_gets_what_it_has_missed(shop: httpx2.Client, by: str) -> None:
    """Events after the last id, which a browser sends as a header and a page as a parameter, and not one twice."""
    for order_id in ("A-1", "A-2", "A-3"):
        place(shop, order_id)
    last = first_ids(shop, 2)[-1]
    header, query = ({"Last-Event-ID": last}, {}) if by == "header" else ({}, {"last_event_id": last})
    with shop.stream("GET", "/live", headers=header, params=query) as response:
        coming = sent_events(response)
        assert happening(next(coming)) == ("A-3", "OrderPlaced")
        place(shop, "A-4")
        assert happening(next(coming)) == ("A-4", "OrderPlaced")


def test_a_page_follows_from_where_its_list_stands(shop: httpx2.Client) -> None:
    """The position of the list and the ids of events are the same thing."""
    place(shop, "A-1")
    known = first_ids(shop, 1)[0]
    with shop.stream("GET", "/live", params={"last_event_id": known}) as response:
        place(shop, "A-2")
        event = next(sent_events(response))
        assert happening(event) == ("A-2", "OrderPlaced")
        assert event["id"] != known


def test_an_id_that_is_none_is_not_understood(shop: httpx2.Client) -> None:
    """A place that can't be is refused rather than taken for the beginning."""
    for wrong in ("yesterday", "C:9223372036854775808/P:1"):
        assert shop.get("/live", headers={"Last-Event-ID": wrong}).status_code == 400
        assert shop.get("/live", params={"last_event_id": wrong}).status_code == 400


def open_streams(shop: httpx2.Client) -> int:
    count: int = shop.get("/health/esdb").json()["details"]["stats"]["streams_open"]
    return count


def are_running(shop: httpx2.Client) -> bool:
    return all(each["state"] == "running" for each in shop.get("/health/esdb").json()["consumers"])


def test_browsers_share_a_subscription_that_ends_with_the_last(shop: httpx2.Client) -> None:
    """What the shop's consumers follow stays."""
    eventually(lambda: are_running(shop))
    before = open_streams(shop)
    with shop.stream("GET", "/live"), shop.stream("GET", "/live"):
        eventually(lambda: open_streams(shop) == before + 1)
    eventually(lambda: open_streams(shop) == before)


def test_the_events_end_when_the_connection_is_closed(shop: httpx2.Client) -> None:
    """The answer ends orderly, and who comes back hears that the database is not available."""
    place(shop, "A-1")
    with shop.stream("GET", "/live") as response:
        coming = sent_events(response)
        next(coming)
        shop.post("/health/esdb/close", headers=AUTHORIZED).raise_for_status()
        assert list(coming) == []
    assert shop.get("/live").status_code == 503
