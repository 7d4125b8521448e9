"""The browser of streams."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import unescape
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from fastapi_esdb import Esdb, EsdbSettings, NewEvent, StreamAcl, StreamMetadata, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.plugin.status import browsing, overview
from fastapi_esdb.testing import running
from tests.plugin.apps import app_of
from tests.plugin.status.conftest import Shop, anybody
from tests.support.waiting import PATIENCE, answered, eventually

HOSTILE = "<script>alert('x')</script>&\"'"


@asynccontextmanager
async def visiting(settings: EsdbSettings) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the pages of an app with such settings, on this event loop."""
    esdb = Esdb(settings, control=anybody)
    app = app_of(esdb)
    transport = httpx2.ASGITransport(app)
    address = "http://app/health/esdb/status/"
    async with running(app), httpx2.AsyncClient(transport=transport, base_url=address) as client:
        await esdb.connection_of(app).wait_connected(PATIENCE)
        yield client


def append(shop: Shop, stream: str, *events: NewEvent) -> None:
    shop.do(lambda esdb: esdb.append(stream, events))


def many(count: int, kind: str = "Counted") -> list[NewEvent]:
    return [NewEvent(kind, {"n": number}) for number in range(count)]


def revisions(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'aria-label="Event (\d+)"', html)]


def link(html: str, text: str) -> str | None:
    """Where a link of the pages leads."""
    found = re.search(rf'href="([^"]*)">{text}</a>', html)
    return unescape(found[1]) if found else None


def test_streams_are_listed_by_what_was_written_last(shop: Shop) -> None:
    """With their categories, each of which can be listed by itself."""
    append(shop, "cart-1", *many(2))
    append(shop, "cart-2", *many(1))
    append(shop, "lonely", *many(1))
    html = shop.get("streams")
    assert html.index("name=lonely") < html.index("name=cart-2") < html.index("name=cart-1")
    assert "streams?category=cart" in html
    html = shop.get("streams", category="cart")
    assert "name=cart-1" in html
    assert "name=lonely" not in html


def test_system_streams_are_listed_apart(shop: Shop) -> None:
    """They are not among the others, and can be looked into as well."""
    append(shop, "cart-1", *many(1))
    shop.do(lambda esdb: esdb.set_metadata("cart-1", StreamMetadata(max_count=5)))
    assert "$$cart-1" not in unescape(shop.get("streams"))
    assert "name=%24%24cart-1" in shop.get("streams", system="1")
    assert "$metadata" in shop.get("stream", name="$$cart-1")


def test_events_are_paged_through(shop: Shop) -> None:
    """The newest first, twenty at a time, both ways."""
    append(shop, "cart-1", *many(45))
    html = shop.get("stream", name="cart-1")
    assert revisions(html) == list(range(44, 24, -1))
    assert link(html, "Newer") is None
    older = shop.client.get(f"/health/esdb/status/{link(html, 'Older')}").text
    assert revisions(older) == list(range(24, 4, -1))
    oldest = shop.client.get(f"/health/esdb/status/{link(older, 'Older')}").text
    assert revisions(oldest) == [4, 3, 2, 1, 0]
    assert link(oldest, "Older") is None
    newer = shop.client.get(f"/health/esdb/status/{link(oldest, 'Newer')}").text
    assert revisions(newer) == list(range(24, 4, -1))
    assert shop.ask("stream", name="cart-1", after="44").headers["location"] == "stream?name=cart-1"
    assert revisions(shop.get("stream", name="cart-1", before="0")) == []


def test_all_events_are_paged_through(shop: Shop) -> None:
    """Each once, by their positions."""
    append(shop, "cart-1", *many(45))
    seen: list[str] = []
    address = "stream?name=$all&type=Counted"
    while address:
        html = shop.client.get(f"/health/esdb/status/{address}").text
        seen += re.findall(r'aria-label="Event at (C:\d+/P:\d+)"', html)
        address = link(html, "Older") or ""
    assert len(seen) == len(set(seen)) == 45
    newer = shop.get("stream", name="$all", type="Counted", after=seen[30])
    assert re.findall(r'aria-label="Event at (C:\d+/P:\d+)"', newer) == seen[10:30]


def test_one_can_jump_to_a_revision(shop: Shop) -> None:
    """The event is the first one that is shown; behind the end it is the newest."""
    append(shop, "cart-1", *many(45))
    assert revisions(shop.get("stream", name="cart-1", until="30"))[:2] == [30, 29]
    assert revisions(shop.get("stream", name="cart-1", until="900"))[0] == 44
    position = shop.do(lambda esdb: esdb.read("cart-1", start=30, limit=1).to_list())[0].position
    html = shop.get("stream", name="$all", until=str(position))
    assert html.index(f"Event at {position}") < html.index('class="type"')


def test_one_can_jump_to_a_time(shop: Shop) -> None:
    """To the last event that was written until then."""
    for event in many(6):
        append(shop, "cart-1", event)
    written = [event.created for event in shop.do(lambda esdb: esdb.read("cart-1").to_list())]
    for stream in ("cart-1", "$all"):
        html = shop.get("stream", name=stream, time=written[3].isoformat())
        assert '"n":3' in unescape(html).partition("<code>")[2].partition("</code>")[0]
    assert "nothing that is still stored" in shop.get("stream", name="cart-1", time="2001-01-01T00:00")
    assert revisions(shop.get("stream", name="cart-1", time=datetime.now(UTC).isoformat()))[0] == 5


def test_a_long_search_for_a_time_tells_how_far_it_has_come(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And goes on from there, until the event is found."""
    append(shop, "cart-1", *many(6))
    written = shop.do(lambda esdb: esdb.read("cart-1").to_list())
    time = written[0].created.isoformat()
    monkeypatch.setattr(browsing, "SEARCHED_FOR", 0)
    append(shop, "cart-2", *many(3))
    append(shop, "cart-2", NewEvent("Newcomer", {}))
    html = shop.get("stream", name="$all", time=time, type="Counted")
    rounds = 0
    while (address := link(html, "Search on")) is not None:
        assert "has come to those of 20" in html
        assert "type=Counted" in address
        rounds += 1
        html = shop.client.get(f"/health/esdb/status/{address}").text
    assert rounds >= 4
    assert f"Event at {written[-1].position}" in html
    assert "Newcomer" not in html


def test_events_are_searched_by_type(shop: Shop) -> None:
    """By the beginning of its name, in a stream and in all of them."""
    append(shop, "cart-1", *many(3), NewEvent("Paid", {}), *many(3))
    append(shop, "cart-2", NewEvent("PaidTwice", {}))
    html = shop.get("stream", name="cart-1", type="Paid")
    assert revisions(html) == [3]
    html = shop.get("stream", name="$all", type="Paid")
    assert "PaidTwice" in html
    assert "Counted" not in html


def test_events_of_a_category_are_shown(shop: Shop) -> None:
    """Of all its streams, in the order in which they were written."""
    append(shop, "cart-1", NewEvent("A", {}))
    append(shop, "other-1", NewEvent("B", {}))
    append(shop, "cart-2", NewEvent("C", {}))
    html = shop.get("stream", name="$all", category="cart")
    assert re.findall(r"<bdi>([A-C])</bdi>", html) == ["C", "A"]


NAMES = ["customer/ä ö#1?x=y&z", "$odd", "漢字-🦊", HOSTILE, "a b", "%2e%2e", "../status", "-", "\u202egnp"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_lead_to_their_streams(shop: Shop, name: str) -> None:
    """From the list, and from an event back to the stream."""
    append(shop, name, NewEvent("Happened", {}))
    listed = shop.get("streams", system="1" if name.startswith("$") else "")
    found = [unescape(href) for href in re.findall(r'href="(stream\?name=[^"]*)"><bdi>', listed)]
    pages = [shop.client.get(f"/health/esdb/status/{href}").text for href in found]
    [page] = [page for page in pages if f"<h1><bdi>{name}</bdi></h1>" in unescape(page)]
    event = link_of_event(page)
    assert "Happened" in shop.client.get(f"/health/esdb/status/{event}").text


def link_of_event(html: str) -> str:
    found = re.search(r'class="at" href="([^"]*)"', html)
    assert found
    return unescape(found[1])


def test_everything_of_an_event_is_escaped(shop: Shop) -> None:
    """Whatever field it stands in, on each page that shows it."""
    event = NewEvent(HOSTILE, {HOSTILE: HOSTILE}, metadata={HOSTILE: HOSTILE})
    append(shop, HOSTILE, event, NewEvent(HOSTILE, HOSTILE.encode(), content_type="application/octet-stream"))
    append(shop, "order-" + HOSTILE, NewEvent(HOSTILE, {}))
    eventually(lambda: shop.esdb.consumers["mailer"].status.parked)
    pages = [
        shop.get(),
        shop.get("streams"),
        shop.get("streams", category=HOSTILE),
        shop.get("stream", name=HOSTILE),
        shop.get("stream", name=HOSTILE, type=HOSTILE),
        shop.get("stream", name="$all"),
        shop.get("stream", name="$all", category=HOSTILE),
        shop.get("stream", name=HOSTILE, until=HOSTILE),
        shop.get("stream", name=HOSTILE, time=HOSTILE),
        shop.get("stream", name=HOSTILE + "none"),
        shop.get("event", name=HOSTILE, at="0"),
        shop.get("event", name=HOSTILE, at="1"),
        shop.get("event", name=HOSTILE, at=HOSTILE),
    ]
    for page in pages:
        assert "alert('x')" not in page
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


def test_json_is_shown_as_it_was_written_with_lines_of_its_own(shop: Shop) -> None:
    """Numbers lose no digit, and texts keep their escapes."""
    data = b'{"big":123456789012345678901234567890.10,"t":"\\u00e4\\"","l":[1,[],{}],"o":{"x":null}}'
    append(shop, "json-1", NewEvent("A", data, content_type="application/json"))
    html = shop.get("event", name="json-1", at="0")
    shown = unescape(re.sub("<[^>]*>", "", html.partition("<pre")[2].partition(">")[2].partition("</pre>")[0]))
    assert shown == (
        '{\n  "big": 123456789012345678901234567890.10,\n  "t": "\\u00e4\\"",\n'
        '  "l": [\n    1,\n    [],\n    {}\n  ],\n  "o": {\n    "x": null\n  }\n}'
    )


def test_binary_data_are_shown_as_bytes(shop: Shop) -> None:
    """And can be had as a file, which no browser takes for anything else."""
    append(shop, "blob-1", NewEvent("Picture", b"\x89PNG\x00<script>", content_type="application/octet-stream"))
    html = shop.get("event", name="blob-1", at="0")
    assert "89 50 4e 47 00 3c 73 63" in html
    answer = shop.ask("data", name="blob-1", at="0")
    assert answer.content == b"\x89PNG\x00<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "data",
    [
        b'{"text":"' + b"x" * 300_000 + b'"}',
        b'{"l":[' + b"1," * 30_000 + b"1]}",
        b"[" * 900 + b"]" * 900,
        b"y" * 50_000,
    ],
)
def test_huge_events_are_cut(shop: Shop, data: bytes) -> None:
    """With a link to the whole of it, which is never a page of its own."""
    append(shop, "huge-1", NewEvent("Huge", data, content_type="application/octet-stream"))
    for page in (shop.get("stream", name="huge-1"), shop.get("event", name="huge-1", at="0")):
        assert len(page) < 400_000
        whole = link(page, "Show the whole of it")
        assert whole
    answer = shop.client.get(f"/health/esdb/status/{whole}")
    assert answer.content == data
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_no_data_and_odd_metadata_are_shown(shop: Shop) -> None:
    """An event may have neither, or what is no JSON although it says so."""
    append(shop, "odd-1", NewEvent("A", b"", content_type="application/octet-stream"))
    append(shop, "odd-1", NewEvent("B", b"{no json", metadata=b"{neither"))
    html = shop.get("stream", name="odd-1")
    assert "no data" in html
    assert "{no json" in html
    assert "{neither" in html


def test_what_is_not_there_is_told_in_words(shop: Shop) -> None:
    """With the status that fits."""
    append(shop, "gone-1", *many(2))
    shop.do(lambda esdb: esdb.delete("gone-1"))
    append(shop, "gone-2", *many(2))
    shop.do(lambda esdb: esdb.tombstone("gone-2"))
    asked: list[tuple[dict[str, Any], int, str]] = [
        ({"name": "never"}, 404, "There is no such stream"),
        ({"name": "gone-1"}, 404, "This stream is deleted"),
        ({"name": "gone-2"}, 410, "This stream is deleted for good"),
        ({"name": "never", "time": "2026-01-01T00:00"}, 404, "There is no such stream"),
        ({"name": "a", "until": "x"}, 400, "a revision is a number"),
        ({"name": "$all", "until": "7"}, 400, "This can&#39;t be"),
        ({"name": "a", "until": "9" * 30}, 400, "a revision is a number"),
        ({"name": "a", "time": "soon"}, 400, "a time is like"),
    ]
    for query, status, words in asked:
        answer = shop.ask("stream", **query)
        assert (query, answer.status_code) == (query, status)
        assert words in answer.text
    for name in ("never", "gone-1"):
        answer = shop.ask("event", name=name, at="0")
        assert (answer.status_code, "There is no such event" in answer.text) == (404, True)


async def test_without_rights_the_page_says_so() -> None:
    """It is the app's user that may not read everything, and the rest is there."""
    async with EmbeddedServer(secure=True) as server:
        async with connect(f"esdb://admin:changeit@{server.address}?tls=false") as admin:
            await admin.users.create("jane", "secret", full_name="Jane Doe")
            await admin.append("open-1", NewEvent("Opened", {}))
            await admin.append("closed-1", NewEvent("Opened", {}))
            await admin.set_metadata("closed-1", StreamMetadata(acl=StreamAcl(read="admin")))
        settings = EsdbSettings(connection_string=SecretStr(f"esdb://jane:secret@{server.address}?tls=false"))
        async with visiting(settings) as client:
            for page in ("streams", "stream?name=closed-1", "event?name=closed-1&at=0", "stream?name=$all"):
                answer = await client.get(page)
                assert (page, answer.status_code) == (page, 403)
                assert "No rights to see this" in answer.text
            assert "Opened" in (await client.get("stream?name=open-1")).text
            await answered(lambda: client.get("../status"), lambda answer: "All is well" in answer.text)


async def test_a_server_that_hangs_hinders_nobody(esdb_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process knows is shown, and what it does not is told in words."""
    for module in (overview, browsing):
        monkeypatch.setattr(module, "TIMEOUT", 0.2)
    async with visiting(EsdbSettings(connection_string=SecretStr(esdb_server.connection_string))) as client:
        with esdb_server.freeze():
            status = await client.get("../status")
            stream = await client.get("stream?name=a")
        assert (status.status_code, "did not answer in time" in status.text) == (200, True)
        assert "default-1" in status.text
        assert stream.status_code == 504


@pytest.mark.parametrize(
    ("page", "status"),
    [("follow?name=a&after=x", 400), ("follow?name=$all&after=7", 400), ("follow?name=gone", 410)],
)
def test_what_can_not_be_followed_is_refused(shop: Shop, page: str, status: int) -> None:
    """Before the answer begins, so that it has a status."""
    append(shop, "gone", *many(1))
    shop.do(lambda esdb: esdb.tombstone("gone"))
    assert shop.ask(page).status_code == status


@pytest.mark.parametrize("page", ["", "streams", "stream?name=$all", "live", "follow?name=a", "do"])
def test_heads_come_without_their_bodies(shop: Shop, page: str) -> None:
    """And those of answers without an end are not begun."""
    answer = shop.client.head(f"/health/esdb/status{page and '/'}{page}")
    assert answer.status_code == (404 if page in ("live", "follow?name=a", "do") else 200)


def test_a_stream_of_which_nothing_is_left_has_no_times(shop: Shop) -> None:
    """Nor events, and that is no error."""
    append(shop, "short-1", *many(3))
    shop.do(lambda esdb: esdb.set_metadata("short-1", StreamMetadata(truncate_before=3)))
    assert shop.ask("stream", name="short-1").status_code in (200, 404)
    assert shop.ask("stream", name="short-1", time="2026-01-01T00:00").status_code in (400, 404)


def test_a_link_leads_to_its_event(shop: Shop) -> None:
    """And one that leads nowhere is shown as what it is."""
    append(shop, "cart-1", NewEvent("Counted", {"n": 1}))
    append(shop, "links", NewEvent("$>", b"0@cart-1", content_type="application/octet-stream"))
    append(shop, "links", NewEvent("$>", b"7@never", content_type="application/octet-stream"))
    html = shop.get("stream", name="links")
    assert "leads nowhere" in html
    assert "0@<bdi>cart-1</bdi>" in html
    good, dead = shop.get("event", name="links", at="0"), shop.ask("event", name="links", at="1")
    assert "0@links" in good
    assert (dead.status_code, "This link leads nowhere" in dead.text) == (404, True)
    assert "7@never" in dead.text
