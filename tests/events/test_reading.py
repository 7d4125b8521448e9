"""Stored events are read as objects of the registered classes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, assert_type
from uuid import UUID, uuid4

import pytest
from pydantic import AfterValidator, BaseModel, Field, PlainSerializer

from fastapi_esdb import filters
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.consuming import Consumer
from fastapi_esdb.api.decoding import Event
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.reading import Read
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.errors import EventDoesNotFit, InvalidArgument, UnknownEventType, UnreadableEvent
from fastapi_esdb.events.codec import JsonCodec, Use
from fastapi_esdb.events.event_reader import EventReader
from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import NackAction
from fastapi_esdb.wire.positions import START, Position
from fastapi_esdb.wire.streams.values import CaughtUp
from tests.events.orders import OrderNoted, OrderPaid, OrderPlaced, events
from tests.support.waiting import PATIENCE

PLACED = OrderPlaced(orderId=UUID(int=7))
PAID = OrderPaid(Decimal("9.50"), datetime(2026, 3, 1, tzinfo=UTC))
ORDER = events.of(OrderPlaced, OrderPaid)
MISFIT = NewEvent("OrderPaid", {"amount": "secret", "at": "2026-03-01T00:00:00Z"})
NEVER = Position(0, 0)


def recorded(kind: str, data: Any, metadata: Any = None) -> RecordedEvent:
    """Return an event as a server gives it."""
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    about = b"" if metadata is None else json.dumps(metadata).encode()
    return RecordedEvent(
        uuid4(), "order-1", 3, kind, content, about, "application/json", datetime(2026, 3, 1, tzinfo=UTC), NEVER
    )


async def test_a_read_gives_objects_and_their_envelopes(esdb: Connection) -> None:
    """`data` is of the class, `recorded` the event as it is stored."""
    await esdb.append("s", [PLACED, PAID])
    placed, paid = await esdb.read("s", types=ORDER).to_list()
    assert (placed.data, paid.data) == (PLACED, PAID)
    assert (paid.recorded.stream, paid.recorded.revision, paid.recorded.type) == ("s", 1, "OrderPaid")
    assert [event.data async for event in esdb.read("s", types=ORDER, backwards=True)] == [PAID, PLACED]
    in_batches = [event.data async for batch in esdb.read("s", types=ORDER).batches() for event in batch]
    assert in_batches == [PLACED, PAID]


async def test_it_can_be_matched(esdb: Connection) -> None:
    """By the class of the data and its fields; the type checker knows what they are."""
    await esdb.append("s", [PLACED, PAID])
    found: list[UUID | Decimal] = []
    async for event in esdb.read("s", types=ORDER):
        match event:
            case Event(OrderPlaced(order_id=order_id) as placed):
                assert_type(placed, OrderPlaced)
                found.append(assert_type(order_id, UUID))
            case Event(data=OrderPaid(amount=amount), recorded=envelope):
                assert_type(envelope, RecordedEvent)
                found.append(assert_type(amount, Decimal))
    assert found == [UUID(int=7), Decimal("9.50")]


async def test_the_type_checker_sees_the_classes(esdb: Connection) -> None:
    """Through every way to read, and as they were without `types`."""
    assert_type(events.of(OrderPlaced), EventReader[OrderPlaced])
    assert_type(ORDER, EventReader[OrderPlaced | OrderPaid])
    assert_type(ORDER.unknown("raw"), EventReader[OrderPlaced | OrderPaid | RecordedEvent])
    assert_type(ORDER.unknown("skip"), EventReader[OrderPlaced | OrderPaid])
    assert_type(esdb.read("s"), Read[RecordedEvent])
    assert_type(esdb.read("s", types=events.of(OrderPlaced)), Read[Event[OrderPlaced]])
    assert_type(esdb.read("s", types=events), Read[Event[object]])
    assert_type(esdb.read_all(types=ORDER), Read[Event[OrderPlaced | OrderPaid]])
    assert_type(esdb.subscribe("s", types=ORDER), Subscription[int, Event[OrderPlaced | OrderPaid]])
    assert_type(esdb.subscribe("$all", types=ORDER), Subscription[Position, Event[OrderPlaced | OrderPaid]])
    assert_type(esdb.subscribe_all(types=ORDER), Subscription[Position, Event[OrderPlaced | OrderPaid]])
    assert_type(esdb.subscribe("s"), Subscription[int, RecordedEvent])
    consumer = esdb.persistent_subscriptions.consume("s", "g", types=events.of(OrderNoted))
    assert_type(consumer, Consumer[Event[OrderNoted]])
    general: Event[object] = Event(PLACED, recorded("OrderPlaced", {}))
    assert general.data is PLACED


async def test_a_subscription_gives_objects(esdb: Connection) -> None:
    """History and what is written meanwhile; the messages between them are as ever."""
    await esdb.append("s", PLACED)
    async with esdb.subscribe("s", types=ORDER) as subscription:
        assert (await anext(subscription)).data == PLACED
        assert isinstance(await anext(subscription.messages()), CaughtUp)
        await esdb.append("s", PAID)
        message = await anext(subscription.messages())
        assert isinstance(message, Event)
        assert message.data == PAID
        await esdb.append("s", [PAID, PLACED])
        [*events_of_batch] = await anext(subscription.batches())
        assert events_of_batch[0].data == PAID
        assert subscription.checkpoint == events_of_batch[-1].recorded.revision


async def test_a_consumer_gives_objects_and_takes_them_as_answers(esdb: Connection) -> None:
    """The whole `Event` can be acknowledged."""
    groups = esdb.persistent_subscriptions
    await groups.create("s", "g", start=START)
    await esdb.append("s", [PLACED, PAID])
    async with groups.consume("s", "g", types=ORDER) as consumer:
        first = await anext(consumer)
        await consumer.nack(first, action=NackAction.SKIP)
        second = await anext(consumer)
        await consumer.ack(second)
        assert (first.data, second.data, second.recorded.retry_count) == (PLACED, PAID, 0)
    assert await left_in_flight(esdb) == 0


async def left_in_flight(esdb: Connection) -> int:
    """Return how many events of the group wait for an answer, once that has settled."""
    async with asyncio.timeout(PATIENCE):
        while True:
            info = await esdb.persistent_subscriptions.info("s", "g")
            if not info.connections:
                return info.in_flight


async def test_an_unknown_type_is_an_error_that_names_where_it_is(esdb: Connection) -> None:
    """Type, stream and revision; what stands before it is given first."""
    await esdb.append("s", [PLACED, NewEvent("Odd", {"n": 1})])
    read = esdb.read("s", types=events)
    assert (await anext(read)).data == PLACED
    with pytest.raises(UnknownEventType, match="event 'Odd', revision 1 of stream 's'") as raised:
        await anext(read)
    assert raised.value.recorded.json() == {"n": 1}


async def test_a_tombstone_is_no_unknown_type(esdb: Connection) -> None:
    """It ends a stream, which who reads all streams of a category should not stumble at."""
    await esdb.append("order-1", PLACED)
    await esdb.tombstone("order-1")
    await esdb.append("order-2", PAID)
    chosen = filters.by_stream("order-")
    assert [event.data for event in await esdb.read_all(filter=chosen, types=events).to_list()] == [PLACED, PAID]
    found = await esdb.read_all(filter=chosen, types=events.unknown("raw")).to_list()
    assert [event.recorded.type for event in found] == ["OrderPlaced", "$streamDeleted", "OrderPaid"]


async def test_a_link_says_how_it_is_read(esdb: Connection) -> None:
    """And what it means where that is done already."""
    await esdb.append("links", NewEvent("$>", b"0@gone", content_type="application/octet-stream"))
    for resolve_links in (True, False):
        with pytest.raises(UnknownEventType, match=r"revision 0 of stream 'links', is a link: .* resolve_links=True"):
            await esdb.read("links", types=events, resolve_links=resolve_links).to_list()


async def test_unknown_types_can_be_skipped(esdb: Connection) -> None:
    """The events that are known are all given."""
    await esdb.append("s", [NewEvent("Odd", {}), PLACED, NewEvent("Odd", {}), PAID])
    assert [event.data for event in await esdb.read("s", types=events.unknown("skip")).to_list()] == [PLACED, PAID]
    async with esdb.subscribe("s", types=events.unknown("skip")) as subscription:
        assert [(await anext(subscription)).data, (await anext(subscription)).data] == [PLACED, PAID]


async def test_unknown_types_can_be_had_as_they_are(esdb: Connection) -> None:
    """Their data is the recorded event."""
    await esdb.append("s", [NewEvent("Odd", {"n": 1}), PLACED])
    odd, placed = await esdb.read("s", types=ORDER.unknown("raw")).to_list()
    assert placed.data == PLACED
    assert isinstance(odd.data, RecordedEvent)
    assert odd.data is odd.recorded


async def test_only_what_is_asked_for_is_given(esdb: Connection) -> None:
    """Other registered types are passed over, and unknown ones are still errors."""
    await esdb.append("s", [PLACED, PAID, NewEvent("Odd", {})])
    read = esdb.read("s", types=events.of(OrderPaid))
    assert (await anext(read)).data == PAID
    with pytest.raises(UnknownEventType):
        await anext(read)


async def test_data_that_does_not_fit_is_an_error_without_the_data(esdb: Connection) -> None:
    """It names stream, revision and field; neither its text nor its causes show the value."""
    await esdb.append("s", [PLACED, MISFIT])
    with pytest.raises(EventDoesNotFit, match=r"'OrderPaid', revision 1 of stream 's'.*field 'amount'") as raised:
        await esdb.read("s", types=events).to_list()
    assert raised.value.field == "amount"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert "secret" not in f"{raised.value} {raised.value!r}"


def test_the_place_of_data_that_does_not_fit_names_fields_only() -> None:
    """A key of a dict is data, and what pydantic calls the parts of a union is left out, too."""
    types = EventTypes()

    @types("Counted")
    class Counted(BaseModel):
        counts: dict[str, list[OrderNoted | int]] = Field(alias="byName")

    with pytest.raises(EventDoesNotFit) as raised:
        types.decode(recorded("Counted", {"byName": {"secret": [1, "secret"]}}))
    assert raised.value.field == "byName.….1.…"
    assert "secret" not in f"{raised.value} {raised.value!r}"


def test_a_class_without_a_schema_has_fields_as_well() -> None:
    """Those that it declares."""
    types = EventTypes()

    @types("Called")
    class Called(BaseModel):
        n: int
        by: Annotated[Any, AfterValidator(lambda value: value), PlainSerializer(str)]
        when: Callable[[], int] | None = None

    class Unfinished(JsonCodec):
        def json_schema(self, use: Use) -> dict[str, Any]:
            raise NotImplementedError

    @types("Coded", codec=Unfinished)
    class Coded(BaseModel):
        n: int

    for name in ("Called", "Coded"):
        with pytest.raises(EventDoesNotFit, match="field 'n': int_parsing"):
            types.decode(recorded(name, {"n": "x", "by": 1}))


@pytest.mark.parametrize("data", [b"", b"no JSON", b"[]", b"\xff", b"5"])
def test_data_of_another_kind_does_not_fit(data: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(EventDoesNotFit):
        events.decode(recorded("OrderPlaced", data))


async def test_a_subscription_goes_on_behind_what_it_cannot_read(esdb: Connection) -> None:
    """The error is raised in its place, whoever asks again gets the next event, and the checkpoint stays before it."""
    await esdb.append("s", [PLACED, MISFIT, PAID])
    async with esdb.subscribe("s", types=events) as subscription:
        assert (await anext(subscription)).data == PLACED
        with pytest.raises(EventDoesNotFit):
            await anext(subscription)
        assert subscription.checkpoint == 0
        assert (await anext(subscription)).data == PAID
        assert subscription.checkpoint == 2


async def test_batches_give_what_stands_before_the_error(esdb: Connection) -> None:
    """Then the error, then what stands behind it."""
    await esdb.append("s", [PLACED, MISFIT, PAID])
    async with esdb.subscribe("s", types=events) as subscription:
        batches = subscription.batches()
        assert [event.data for event in await anext(batches)] == [PLACED]
        with pytest.raises(EventDoesNotFit):
            await anext(batches)
        assert [event.data for event in await anext(batches)] == [PAID]


async def test_a_consumer_parks_what_it_cannot_read(esdb: Connection) -> None:
    """The error has the event, which can be answered."""
    groups = esdb.persistent_subscriptions
    await groups.create("s", "g", start=START)
    await esdb.append("s", [MISFIT, PAID])
    async with groups.consume("s", "g", types=events) as consumer:
        with pytest.raises(UnreadableEvent) as raised:
            await anext(consumer)
        await consumer.nack(raised.value.recorded, action=NackAction.PARK)
        event = await anext(consumer)
        await consumer.ack(event)
        assert event.data == PAID


async def test_a_filtered_subscription_to_all_gives_objects(esdb: Connection) -> None:
    """With `$all` as with a stream."""
    await esdb.append("order-1", PLACED)
    await esdb.append("cart-1", NewEvent("Odd", {}))
    await esdb.append("order-2", PAID)
    chosen = filters.by_stream("order-")
    async with esdb.subscribe_all(filter=chosen, types=ORDER) as subscription:
        assert [event.data for event in await first_of(subscription, 2)] == [PLACED, PAID]


async def first_of(items: AsyncIterator[Event[Any]], count: int) -> list[Event[Any]]:
    """Return the first of them."""
    return [await anext(items) for _ in range(count)]


async def test_reading_goes_on_from_an_event(esdb: Connection) -> None:
    """Whatever takes a stored event as a place takes one of a class as well."""
    written = await esdb.append("s", [PLACED, PAID])
    await esdb.append("s", events.new(OrderNoted, OrderNoted(text="later")))
    placed, paid = await esdb.read("s", types=ORDER, limit=2).to_list()
    assert [event.revision async for event in esdb.read("s", start=paid)] == [1, 2]
    assert [event.revision async for event in esdb.read_all(start=paid, filter=filters.exclude_system())] == [1, 2]
    async with esdb.subscribe("s", after=placed) as following:
        assert (await anext(following)).revision == 1
    async with esdb.subscribe_all(after=paid, filter=filters.exclude_system()) as following_all:
        assert (await anext(following_all)).revision == 2
    await esdb.persistent_subscriptions.create("s", "g", start=paid)
    assert (await esdb.persistent_subscriptions.info("s", "g")).start == 1
    await esdb.persistent_subscriptions.create("$all", "g", start=paid)
    assert (await esdb.persistent_subscriptions.info("$all", "g")).start == written.position
    with pytest.raises(InvalidArgument, match="start is an event of stream 's', and 't' is read"):
        esdb.read("t", start=paid)
