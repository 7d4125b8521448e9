"""The first page: what it shows, and what its forms do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fastapi_esdb import START, Connection, NewEvent
from fastapi_esdb.plugin.status.live import Changes
from tests.plugin.status.conftest import OWN, Shop
from tests.support.waiting import eventually

HOSTILE = "<script>alert('x')</script>&\"'"


def place(shop: Shop, count: int = 1) -> None:
    async def placing(esdb: Connection) -> None:
        for number in range(count):
            await esdb.append(f"order-{number}", NewEvent("OrderPlaced", {"n": number}))

    shop.do(placing)


def parked(shop: Shop, count: int = 1) -> None:
    """Have orders that the consumer has parked."""
    place(shop, count)
    eventually(lambda: shop.esdb.consumers["mailer"].status.parked == count)
    shop.post(do="reconnect")  # and so the page asks the server anew


def test_it_shows_connections_and_the_states_they_were_in(shop: Shop) -> None:
    """Each with its node, and with the change that brought it there."""
    eventually(lambda: "All is well" in shop.get())
    html = shop.get()
    assert "<strong>default-1</strong>" in html
    assert html.count("connected to 127.0.0.1:") >= 2
    assert 'class="connected"' in html


def test_it_says_in_words_that_the_connections_are_closed(shop: Shop) -> None:
    """The server can't be asked for anything then, and the page is there all the same."""
    assert shop.post(do="close").status_code == 303
    answer = shop.ask()
    assert answer.status_code == 200
    assert "closed by command" in answer.text
    assert "There is no connection to the database" in answer.text
    assert "Gossip.Read" not in answer.text, "the page makes no calls that can only fail"
    assert 'value="connect"' in answer.text
    assert shop.post(do="connect").headers["location"] == "../status?done=connect"
    eventually(lambda: "All is well" in shop.get())


def test_it_counts_calls_and_errors_by_kind(shop: Shop) -> None:
    """By the names of the protocol, and the classes of errors."""

    async def failing(esdb: Connection) -> None:
        await esdb.append("a-1", NewEvent("A", {}))
        with pytest.raises(Exception, match="a-1"):
            await esdb.append("a-1", NewEvent("A", {}), expected=7)

    shop.do(failing)
    html = shop.get()
    assert "Streams." in html
    assert "WrongExpectedRevision" in html


def test_it_shows_the_nodes_groups_and_projections_of_the_server(shop: Shop) -> None:
    """As the server tells them when it is asked."""

    async def create(esdb: Connection) -> None:
        await esdb.persistent_subscriptions.create("order-1", HOSTILE, start=START)

    shop.do(create)
    html = shop.get()
    assert "leader" in html
    assert "2 connections" in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&#34;&#39;" in html
    assert "$by_category" in html
    assert "alert('x')" not in html


def test_it_shows_consumers_and_their_lag(shop: Shop) -> None:
    """With what they follow, how far they have come, and a line of what was left to do."""
    place(shop)
    eventually(lambda: shop.esdb.consumers["mailer"].status.handled == 1)
    html = shop.get()
    assert "<h3>mailer</h3>" in html
    assert "$all, streams order-…" in html
    assert re.search("Lag in the last [^:]*: now 0 events", html)


def test_it_shows_dead_letters_with_their_cause(shop: Shop) -> None:
    """With a link to the event, and the text of the error as a text."""
    parked(shop)
    html = shop.get()
    assert 'href="status/event?name=order-0&amp;at=0"' in html
    assert "builtins.ValueError" in html
    assert "no address &lt;b&gt;OrderPlaced&lt;/b&gt;" in html


def test_dead_letters_are_replayed(shop: Shop) -> None:
    """One by its number, or all; the page says how many could be handled."""
    parked(shop, 3)
    shop.refuses = False
    first = shop.do(lambda _: shop.esdb.consumers["mailer"].dead_letters.list())[0]
    one = shop.post(do="replay", consumer="mailer", number=str(first.number))
    assert one.headers["location"] == "../status?done=replay&count=1"
    assert "handled now: 1" in shop.get(done="replay", count="1")
    assert shop.post(do="replay", consumer="mailer").headers["location"] == "../status?done=replay&count=2"
    assert "No consumer has parked an event" in shop.get()


def test_dead_letters_are_dropped(shop: Shop) -> None:
    """One by its number, or all."""
    parked(shop, 2)
    first = shop.do(lambda _: shop.esdb.consumers["mailer"].dead_letters.list())[0]
    shop.post(do="drop", consumer="mailer", number=str(first.number))
    assert "0@<bdi>order-0" not in shop.get()
    assert shop.post(do="drop", consumer="mailer").headers["location"] == "../status?done=drop&count=1"
    assert shop.do(lambda _: shop.esdb.consumers["mailer"].dead_letters.list()) == []


def test_a_letter_that_is_settled_already_is_told_in_words(shop: Shop) -> None:
    """As two people may press the same button."""
    answer = shop.post(do="drop", consumer="mailer", number="7")
    assert answer.status_code == 400
    assert "there is no dead letter 7" in answer.text


def test_a_consumer_is_paused_and_goes_on(shop: Shop) -> None:
    """By the buttons of its card."""
    eventually(lambda: shop.esdb.consumers["mailer"].state == "running")
    assert shop.post(do="pause", consumer="mailer").headers["location"] == "../status?done=pause"
    eventually(lambda: shop.esdb.consumers["mailer"].state == "paused")
    assert 'value="resume"' in shop.get()
    shop.post(do="resume", consumer="mailer")
    eventually(lambda: shop.esdb.consumers["mailer"].state == "running")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("do=explode", 400),
        ("", 400),
        ("do=pause&consumer=nobody", 400),
        ("do=drop&consumer=mailer&number=-1", 400),
        ("do=drop&consumer=mailer&number=" + "9" * 5000, 400),
        (b"\xff\xfe", 400),
        ("a=b&" * 2000, 400),
        ("x" * 70_000, 413),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(shop: Shop, form: Any, status: int) -> None:
    """Without harm, and in words."""
    assert shop.client.post("/health/esdb/status/do", content=form, headers=OWN).status_code == status
    assert shop.client.get("/health/esdb/ready").status_code == 200


def test_what_the_address_says_was_done_is_not_believed_blindly(shop: Shop) -> None:
    """It shows sentences of its own, and no text of an address."""
    html = shop.get(done="<b>", count="<i>")
    assert "<b>" not in html
    assert "&lt;b&gt;" not in html
    assert "handled now: 0" in shop.get(done="replay", count="<i>")


def test_parts_that_have_changed_are_sent_again(shop: Shop) -> None:
    """All of them first, and then those that are not as they were; the answer ends when the server stops."""
    parts = {"a": "1", "b": "1"}

    async def look(_: Connection) -> list[Any]:
        async def made() -> dict[str, str]:
            return dict(parts)

        changes = Changes(made, every=0.01)
        first = await changes.chunk(60)
        quiet = await changes.chunk(0.05)
        parts["b"] = "2"
        second = await changes.chunk(60)
        changes.stop()
        return [first, quiet, second, await changes.chunk(60)]

    first, quiet, second, last = shop.do(look)
    assert [json.loads(each.decode().partition("data: ")[2]) for each in (first, second)] == [
        {"a": "1", "b": "1"},
        {"b": "2"},
    ]
    assert quiet.startswith(b":")
    assert last == b""


def test_an_address_that_leads_nowhere_says_so(shop: Shop) -> None:
    """In words, with a way back."""
    answer = shop.ask("nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert 'href="../status"' in answer.text
