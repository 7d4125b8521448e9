"""BatchAppend, beyond what the recorded exchanges show."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import (
    InvalidArgument,
    MaximumAppendSizeExceeded,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, Expected
from fastapi_esdb.wire.streams.methods import BATCH_APPEND, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    AppendResult,
    BatchAnswer,
    BatchFragment,
    BatchOptions,
    DeleteRequest,
    ReadRequest,
)
from tests.support.bare_client import BareClient, connected, event
from tests.support.waiting import until


def batch(
    stream: str, *events: ProposedEvent, expected: Expected = ANY, final: bool = True, deadline: float | None = None
) -> BatchFragment:
    """The first fragment of a batch, and the only one when it is final."""
    return BatchFragment(uuid4(), BatchOptions(stream, expected, deadline), events, final)


def more(first: BatchFragment, *events: ProposedEvent, final: bool = True) -> BatchFragment:
    """A further fragment of the same batch."""
    return BatchFragment(first.correlation_id, None, events, final)


async def answers(client: BareClient, *fragments: BatchFragment) -> list[BatchAnswer]:
    return await client.call(BATCH_APPEND, *fragments)


def ids(answered: Sequence[BatchAnswer]) -> list[UUID]:
    return [answer.correlation_id for answer in answered]


async def test_many_batches_in_flight(client: BareClient) -> None:
    """Hundreds of batches on one call are written in the order they were sent in, each answered once."""
    events = [event() for _ in range(500)]
    fragments = [batch("a", one) for one in events]
    answered = await answers(client, *fragments)
    assert sorted(ids(answered)) == sorted(one.correlation_id for one in fragments)
    assert [e.id for e in await client.read(ReadRequest("a"))] == [e.id for e in events]


async def test_fragments_of_several_batches_interleaved(client: BareClient) -> None:
    """Fragments belong to their batch by the correlation id, in whatever order they come."""
    one, two = batch("a", event("1"), final=False), batch("b", event("2"), final=False)
    answered = await answers(client, one, two, more(two, event("4")), more(one, event("3")))
    assert ids(answered) == [two.correlation_id, one.correlation_id]
    assert [e.type for e in await client.read(ReadRequest("a"))] == ["1", "3"]
    assert [e.type for e in await client.read(ReadRequest("b"))] == ["2", "4"]


async def test_options_of_a_later_fragment(client: BareClient) -> None:
    """Options that are sent again with every fragment change nothing."""
    first = batch("a", event("1"), final=False)
    again = BatchFragment(first.correlation_id, BatchOptions("elsewhere"), (event("2"),))
    [answer] = await answers(client, first, again)
    assert answer.stream == "a"
    assert [e.type for e in await client.read(ReadRequest("a"))] == ["1", "2"]


async def test_the_form_of_the_correlation_id(client: BareClient) -> None:
    """An id is answered in the form it came in."""
    structured = BatchFragment(uuid4(), BatchOptions("a"), (event(),), structured_id=True)
    [answer] = await answers(client, structured)
    assert (answer.correlation_id, answer.structured_id) == (structured.correlation_id, True)


async def test_an_expectation_between_batches(client: BareClient) -> None:
    """A batch builds on the ones before it, also when none of them is answered yet."""
    fragments = [batch("a", event(), expected=expected) for expected in (NO_STREAM, 0, 0, 1)]
    results = [answer.result for answer in await answers(client, *fragments)]
    assert [getattr(result, "revision", None) for result in results] == [0, 1, None, 2]
    assert isinstance(results[2], WrongExpectedRevision)
    assert results[2].actual == 1


async def test_fragments_that_do_not_come(client: BareClient) -> None:
    """A batch that is not complete in time is answered with a timeout, its id in two halves, and never written."""
    call = client.open(BATCH_APPEND)
    slow = batch("a", event(), final=False, deadline=0.05)
    await call.send(slow)
    [answer] = await call.take(1)
    assert (answer.correlation_id, answer.structured_id) == (slow.correlation_id, True)
    assert isinstance(answer.result, ServerTimeout)
    await call.send(more(slow, event()), quick := batch("a", event()))
    assert ids(await call.take(1)) == [quick.correlation_id]
    assert len(await client.read(ReadRequest("a"))) == 1


async def test_the_server_does_not_wait_longer_than_it_wants(client: BareClient) -> None:
    """Whatever deadline a client asks for, fragments have two seconds."""
    call = client.open(BATCH_APPEND)
    await call.send(batch("a", event(), final=False, deadline=1e9))
    [answer] = await call.take(1)
    assert isinstance(answer.result, ServerTimeout)


@pytest.mark.parametrize("deadline", [0.0, -5.0])
async def test_a_deadline_that_has_passed(client: BareClient, deadline: float) -> None:
    """A batch whose deadline has passed already is not written."""
    [answer] = await answers(client, batch("a", event(), deadline=deadline))
    assert isinstance(answer.result, ServerTimeout)
    assert not await client.read(ReadRequest("a"))


async def test_half_closed_in_the_middle(client: BareClient) -> None:
    """A client that stops before its batch is complete has its answer at once."""
    [answer] = await answers(client, batch("a", event(), final=False))
    assert isinstance(answer.result, ServerTimeout)


async def test_fragments_of_nothing(client: BareClient) -> None:
    """Fragments of a batch that was never begun are passed over."""
    assert await answers(client, BatchFragment(uuid4(), None, (event(),))) == []


async def test_a_bad_event(client: BareClient) -> None:
    """An event without a type makes its batch fail, and no other one."""
    call = client.open(BATCH_APPEND)
    message = BATCH_APPEND.request.encode(batch("a", event()))
    del message.proposed_messages[0].metadata["type"]
    await call.raw.write(message.SerializeToString())
    await call.send(batch("a", event()))
    bad, good = await call.take(2)
    assert isinstance(bad.result, InvalidArgument)
    assert isinstance(good.result, AppendResult)


async def test_bad_options(client: BareClient) -> None:
    """A batch to a stream without a name fails, and the call goes on."""
    call = client.open(BATCH_APPEND)
    message = BATCH_APPEND.request.encode(batch("a", event()))
    message.options.stream_identifier.stream_name = b""
    await call.raw.write(message.SerializeToString())
    await call.send(batch("a", event()))
    bad, good = await call.take(2)
    assert isinstance(bad.result, InvalidArgument)
    assert isinstance(good.result, AppendResult)


async def test_no_correlation_id(client: BareClient) -> None:
    """A fragment that can't be answered ends the call."""
    call = client.open(BATCH_APPEND)
    await call.raw.write(pb.BatchAppendReq().SerializeToString())
    with pytest.raises(InvalidArgument):
        await call.all()


async def test_a_batch_that_is_too_large() -> None:
    """A batch is refused as soon as its fragments are larger than an append may be."""
    async with EmbeddedServer(max_append_size=1000) as server, connected(server.address) as client:
        first = batch("a", event(data=b"x" * 600), final=False)
        [answer] = await answers(client, first, more(first, event(data=b"x" * 600), final=False))
    assert isinstance(answer.result, MaximumAppendSizeExceeded)
    assert answer.result.maximum == 1000


async def test_a_tombstoned_stream(client: BareClient) -> None:
    """A tombstoned stream is an answer like any other."""
    await client.call(TOMBSTONE, DeleteRequest("a"))
    [answer] = await answers(client, batch("a", event()))
    assert isinstance(answer.result, StreamDeleted)


async def test_an_abandoned_call_is_freed(server: EmbeddedServer, client: BareClient) -> None:
    """A client that goes away leaves nothing behind, not even an unfinished batch."""
    call = client.open(BATCH_APPEND)
    await call.send(batch("a", event(), final=False))
    await until(lambda: server.open_calls == {"Streams.BatchAppend": 1})
    call.cancel()
    await until(lambda: not server.open_calls)


async def test_more_batches_than_may_be_unanswered(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends faster than it reads waits, and gets all its answers."""
    monkeypatch.setattr("fastapi_esdb.embedded.services.batches.MAX_UNANSWERED", 4)
    fragments = [batch("a", event()) for _ in range(50)]
    assert ids(await answers(client, *fragments)) == [one.correlation_id for one in fragments]
