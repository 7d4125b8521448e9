"""Reading all streams."""

from __future__ import annotations

from typing import Any

import pytest

from fastapi_esdb import filters
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import END, START, Position
from tests.api.fakes import FakeCarrier
from tests.support.target import own_server

pytestmark = own_server

OURS = filters.exclude_system()


async def written(esdb: Connection) -> list[RecordedEvent]:
    """Six events in two streams, alternating."""
    for number in range(3):
        await esdb.append("order-1", NewEvent("OrderPlaced", {"n": number}))
        await esdb.append("invoice-1", NewEvent("InvoiceSent", {"n": number}))
    return await esdb.read_all(filter=OURS).to_list()


def names(events: list[RecordedEvent]) -> list[tuple[str, int]]:
    return [(event.stream, event.revision) for event in events]


async def test_all_streams_are_read_in_the_order_of_their_writes(esdb: Connection) -> None:
    """With growing positions."""
    found = await written(esdb)
    assert names(found) == [(stream, number) for number in range(3) for stream in ("order-1", "invoice-1")]
    positions = [event.position for event in found if event.position]
    assert positions == sorted(set(positions))
    assert len(positions) == 6


async def test_backwards_the_newest_comes_first(esdb: Connection) -> None:
    """From the end, unless a start is given."""
    found = await written(esdb)
    assert await esdb.read_all(backwards=True, filter=OURS).to_list() == found[::-1]
    assert await esdb.read_all(backwards=True, start=END, limit=2, filter=OURS).to_list() == [found[5], found[4]]


async def test_a_position_is_included_forwards_only(esdb: Connection) -> None:
    """protocol: backwards a read of `$all` gives what lies before the position."""
    found = await written(esdb)
    place = found[2].position
    assert await esdb.read_all(start=place, filter=OURS).to_list() == found[2:]
    assert await esdb.read_all(start=place, backwards=True, filter=OURS).to_list() == found[1::-1]


async def test_a_limit_counts_what_the_filter_lets_through(esdb: Connection) -> None:
    """However much is searched for it."""
    found = await written(esdb)
    assert await esdb.read_all(filter=filters.by_stream("invoice-"), limit=2).to_list() == [found[1], found[3]]


@pytest.mark.parametrize(
    "chosen",
    [
        filters.by_type("Inv", "Nothing"),
        filters.by_type(regex="^Invoice(Sent|Paid)$"),
        filters.by_stream("invoice-"),
        filters.by_stream(regex="voice-[0-9]$"),
        EventFilter(by_stream=True, prefixes=("invoice-",), window=1),
        filters.by_stream("invoice-", window=None),
    ],
)
async def test_filters_look_at_types_or_streams(esdb: Connection, chosen: EventFilter) -> None:
    """By beginnings or by a regex."""
    found = await written(esdb)
    assert await esdb.read_all(filter=chosen).to_list() == found[1::2]


async def test_without_a_filter_everything_is_read(esdb: Connection) -> None:
    """The server's own events as well."""
    found = await written(esdb)
    everything = await esdb.read_all(start=START).to_list()
    assert [event for event in everything if not event.type.startswith("$")] == found


async def test_links_are_resolved_on_request(esdb: Connection) -> None:
    """The filter looks at the link, which is what is stored."""
    await esdb.append("order-1", NewEvent("OrderPlaced", {}))
    await esdb.append("links", NewEvent("$>", b"0@order-1"))
    (found,) = await esdb.read_all(filter=filters.by_stream("links"), resolve_links=True).to_list()
    assert (found.stream, found.original.stream) == ("order-1", "links")


async def test_a_bad_regex_is_refused(esdb: Connection) -> None:
    """By the server: its regular expressions are .NET's."""
    with pytest.raises(InvalidArgument, match="regex"):
        await esdb.read_all(filter=filters.by_type(regex="("), limit=1).to_list()


@pytest.mark.parametrize("options", [{"limit": 0}, {"start": END}, {"backwards": True, "limit": 0}])
async def test_what_servers_do_not_answer_well_is_not_asked(options: dict[str, Any]) -> None:
    """Its answer is known."""
    carrier = FakeCarrier()
    assert await Streams(carrier).read_all(**options).to_list() == []
    assert carrier.requests == []


BAD: list[tuple[dict[str, Any], str]] = [
    ({"start": 5}, r"start must be a Position, START or END in \$all, not 5"),
    ({"start": Position(-1, 0)}, r"start\.commit must be between 0 and"),
    ({"start": Position(2**63, 0)}, r"start\.commit must be between 0 and"),
    ({"limit": -1}, "limit must be between 0 and"),
    ({"filter": EventFilter()}, "filter must have either prefixes or a regex"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_arguments_are_named(options: dict[str, Any], message: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgument, match=message):
        Streams(FakeCarrier()).read_all(**options)
