"""Subscriptions to `$all`, beyond what the recorded exchanges show."""

from __future__ import annotations

from typing import TypeVar

import pytest

from fastapi_esdb.embedded.services.frames import LIVE_WINDOW, PAGE
from fastapi_esdb.wire.errors import IndexNotFound, InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import END, START, Edge, Position
from fastapi_esdb.wire.streams.values import CaughtUp, Checkpoint, ReadFrame, ReadRequest, SubscriptionConfirmed
from tests.support.bare_client import BareClient, OpenCall

Subscription = OpenCall[ReadRequest, ReadFrame]
Frame = TypeVar("Frame", bound=ReadFrame)

NOTHING = EventFilter(by_stream=True, prefixes=("nothing-",), window=4, checkpoint_interval=2)
"""Matches no stream; a checkpoint is due after each 8 records."""


async def subscribe(
    client: BareClient, start: Position | Edge = START, event_filter: EventFilter | None = None
) -> Subscription:
    return await client.subscribe(ReadRequest(None, start, subscribe=True, filter=event_filter))


async def until(call: Subscription, kind: type[Frame]) -> tuple[list[ReadFrame], Frame]:
    """The frames before the first one of a kind, and that one."""
    before: list[ReadFrame] = []
    while not isinstance(frame := await anext(call), kind):
        before.append(frame)
    return before, frame


async def positions(client: BareClient) -> list[Position]:
    """The position of every event."""
    return [event.position for event in await client.read(ReadRequest(None)) if event.position]


async def streams(call: Subscription, count: int) -> list[str]:
    """The streams of so many events, whatever comes between them."""
    found: list[str] = []
    while len(found) < count:
        frame = await anext(call)
        found += [frame.stream] if isinstance(frame, RecordedEvent) else []
    return found


async def test_everything_in_order(client: BareClient) -> None:
    """History of several pages and live events of all streams come in the order they were written in."""
    for number in range(2 * PAGE):
        await client.write(f"s{number}")
    call = await subscribe(client)
    confirmed, *history = (await until(call, CaughtUp))[0]
    assert isinstance(confirmed, SubscriptionConfirmed)
    assert [e.stream for e in history if isinstance(e, RecordedEvent)] == [f"s{n}" for n in range(2 * PAGE)]
    await client.write("live")
    assert await streams(call, 1) == ["live"]


async def test_where_it_caught_up(client: BareClient) -> None:
    """Caught up tells the last position that was looked at, whether it matched or not, or the one begun after."""
    await client.write("a", 3)
    first, _, last = await positions(client)
    for start, event_filter in ((START, None), (END, None), (first, None), (last, None), (START, NOTHING)):
        _, caught_up = await until(await subscribe(client, start, event_filter), CaughtUp)
        assert caught_up.position == last
        assert caught_up.timestamp


async def test_an_empty_log(client: BareClient) -> None:
    """There is no position to tell as long as nothing was written, and no checkpoint."""
    for event_filter in (None, NOTHING):
        call = await subscribe(client, START, event_filter)
        confirmed, caught_up = await call.take(2)
        assert isinstance(confirmed, SubscriptionConfirmed)
        assert isinstance(caught_up, CaughtUp)
        assert caught_up.position is None


async def test_checkpoints_in_the_history(client: BareClient) -> None:
    """A filtered subscription tells how far it is after each interval of records, and before it goes live."""
    await client.write("a", 20)
    places = await positions(client)
    before, _ = await until(await subscribe(client, START, NOTHING), CaughtUp)
    told = [frame.position for frame in before[1:] if isinstance(frame, Checkpoint)]
    assert told == [places[7], places[15], places[19]]
    assert len(before) == 4


async def test_a_checkpoint_is_told_once(client: BareClient) -> None:
    """Where the interval ends with the history, there is one checkpoint and not two."""
    await client.write("a", 16)
    places = await positions(client)
    before, _ = await until(await subscribe(client, START, NOTHING), CaughtUp)
    assert [frame.position for frame in before[1:] if isinstance(frame, Checkpoint)] == [places[7], places[15]]


async def test_nothing_new_needs_no_checkpoint(client: BareClient) -> None:
    """A client knows already where it started."""
    await client.write("a", 3)
    last = (await positions(client))[-1]
    for start in (last, END):
        before, _ = await until(await subscribe(client, start, NOTHING), CaughtUp)
        assert [type(frame) for frame in before] == [SubscriptionConfirmed]


async def test_checkpoints_while_live(client: BareClient) -> None:
    """Live too, an interval of records without a match is told."""
    call = await subscribe(client, START, NOTHING)
    await until(call, CaughtUp)
    for _ in range(8):
        await client.write("a")
    _, checkpoint = await until(call, Checkpoint)
    assert checkpoint.position == (await positions(client))[7]
    assert checkpoint.timestamp


async def test_a_filter_of_live_events(client: BareClient) -> None:
    """Only what matches is sent."""
    call = await subscribe(client, END, EventFilter(by_stream=True, regex="^b"))
    await until(call, CaughtUp)
    for stream in ("a", "b1", "ab", "b2"):
        await client.write(stream)
    assert await streams(call, 2) == ["b1", "b2"]


async def test_a_slow_client(client: BareClient) -> None:
    """A client that falls behind gets everything once and in order, and is told again that it caught up."""
    call = await subscribe(client, START, EventFilter(by_stream=True, prefixes=("a",)))
    await until(call, CaughtUp)
    count = 3 * LIVE_WINDOW
    for _ in range(count // 32):
        await client.write("a", 32, data=b"x" * 20_000)
    before, _ = await until(call, CaughtUp)
    before += [await anext(call) for _ in range(count - sum(isinstance(f, RecordedEvent) for f in before))]
    assert [f.revision for f in before if isinstance(f, RecordedEvent)] == list(range(count))
    assert [f.position for f in before if isinstance(f, Checkpoint)] == sorted(
        {f.position for f in before if isinstance(f, Checkpoint)}
    )


async def test_a_position_that_is_none(client: BareClient) -> None:
    """A position where no record begins is refused, after the confirmation as on a real server."""
    await client.write("a", 3)
    first = (await positions(client))[0]
    call = await subscribe(client, Position(first.commit + 1, first.commit + 1))
    assert isinstance(await anext(call), SubscriptionConfirmed)
    with pytest.raises(InvalidArgument, match="position"):
        await anext(call)


async def test_a_position_that_is_still_to_come(client: BareClient) -> None:
    """Who comes from a node that has more of the log gets what is behind that, and nothing another time."""
    await client.write("a", 2)
    first, second = await positions(client)
    size = second.commit - first.commit
    known = Position(second.commit + 2 * size, second.commit + 2 * size)
    call = await subscribe(client, known)
    _, caught_up = await until(call, CaughtUp)
    assert caught_up.position == known
    for _ in range(4):
        await client.write("a")
    event = await anext(call)
    assert isinstance(event, RecordedEvent)
    assert event.position == (await positions(client))[4]


async def test_a_regex_that_is_none(client: BareClient) -> None:
    """A filter that can't be understood is refused before the confirmation."""
    call = await subscribe(client, START, EventFilter(regex="("))
    with pytest.raises(InvalidArgument, match="regex"):
        await anext(call)


@pytest.mark.parametrize("subscribe_", [True, False])
async def test_a_secondary_index(client: BareClient, subscribe_: bool) -> None:
    """A filter that names an index that is not there, or an index among other things, is refused."""
    index = EventFilter(by_stream=True, prefixes=("$idx-odd",))
    with pytest.raises(IndexNotFound) as caught:
        await (await client.subscribe(ReadRequest(None, subscribe=subscribe_, filter=index))).all()
    assert caught.value.index == "$idx-odd"
    mixed = EventFilter(by_stream=True, prefixes=("order-", "$idx-all"))
    with pytest.raises(InvalidArgument, match="index"):
        await (await client.subscribe(ReadRequest(None, subscribe=subscribe_, filter=mixed))).all()


async def test_many_followers(client: BareClient) -> None:
    """Many subscriptions, each with a filter of its own, each get their events."""
    calls = [await subscribe(client, END, EventFilter(by_stream=True, prefixes=(f"s{n}-",))) for n in range(50)]
    for call in calls:
        await until(call, CaughtUp)
    for number in range(50):
        await client.write(f"s{number}-x")
    for number, call in enumerate(calls):
        assert await streams(call, 1) == [f"s{number}-x"]
