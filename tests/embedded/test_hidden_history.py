"""Subscriptions to streams whose metadata hides more than a page of their history: none goes round in circles."""

from __future__ import annotations

from fastapi_esdb.embedded.services.frames import PAGE
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, START, Edge
from fastapi_esdb.wire.streams.methods import DELETE
from fastapi_esdb.wire.streams.values import CaughtUp, DeleteRequest, ReadFrame, ReadRequest
from tests.support.bare_client import BareClient, OpenCall, event


async def set_metadata(client: BareClient, stream: str, metadata: bytes) -> None:
    await client.append(f"$${stream}", event("$metadata", metadata))


async def follow(client: BareClient, stream: str, start: int | Edge = START) -> OpenCall[ReadRequest, ReadFrame]:
    return await client.subscribe(ReadRequest(stream, start, subscribe=True))


async def history(call: OpenCall[ReadRequest, ReadFrame]) -> list[int]:
    """The revisions of the events up to where the subscription is live."""
    found: list[int] = []
    while not isinstance(frame := await anext(call), CaughtUp):
        found += [frame.revision] if isinstance(frame, RecordedEvent) else []
    return found


async def next_event(call: OpenCall[ReadRequest, ReadFrame]) -> int:
    while not isinstance(frame := await anext(call), RecordedEvent):
        pass
    return frame.revision


async def test_all_is_hidden_by_truncate_before(client: BareClient) -> None:
    """A stream of one event that begins at revision 256 is soon read, and what is written then comes."""
    await client.write("t")
    await set_metadata(client, "t", b'{"$tb": 256}')
    call = await follow(client, "t")
    assert await history(call) == []
    await client.write("t")
    assert await next_event(call) == 1


async def test_truncated_beyond_the_end_and_followed_from_there(client: BareClient) -> None:
    """Who follows from the end of a stream that begins far behind it gets what is written."""
    await client.write("t", 3)
    await set_metadata(client, "t", b'{"$tb": 100000}')
    for start in (END, 2, 500):
        call = await follow(client, "t", start)
        assert await history(call) == []
    call = await follow(client, "t", END)
    await history(call)
    await client.write("t")
    assert await next_event(call) == 3


async def test_only_the_newest_is_kept(client: BareClient) -> None:
    """Of 257 events with a maximum of one the last one comes."""
    await client.write("t", PAGE + 1)
    await set_metadata(client, "t", b'{"$maxCount": 1}')
    assert await history(await follow(client, "t")) == [PAGE]


async def test_deleted_and_begun_anew(client: BareClient) -> None:
    """Behind 256 events that were deleted, those written since come."""
    await client.write("t", PAGE)
    await client.call(DELETE, DeleteRequest("t"))
    await client.write("t", 2)
    assert await history(await follow(client, "t")) == [PAGE, PAGE + 1]


async def test_metadata_that_was_changed_often(client: BareClient) -> None:
    """Of a metastream, which keeps its last event only, that one comes after any number of changes."""
    for _ in range(PAGE + 1):
        await set_metadata(client, "x", b"{}")
    assert await history(await follow(client, "$$x")) == [PAGE]


async def test_hidden_while_it_is_live(client: BareClient) -> None:
    """A live subscription that falls behind where most is hidden goes on with what is left."""
    await set_metadata(client, "t", b'{"$maxCount": 5}')
    call = await follow(client, "t")
    await history(call)
    await client.write("t", 2 * PAGE + 8)
    found = await history(call)
    assert found == [*range(PAGE), *range(2 * PAGE + 3, 2 * PAGE + 8)]
    await client.write("t")
    assert await next_event(call) == 2 * PAGE + 8
