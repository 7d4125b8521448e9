"""Who gets the next event."""

import json
import time

import pytest

from fastapi_esdb.embedded.groups.consumer import Consumer
from fastapi_esdb.embedded.groups.message import Message, Page
from fastapi_esdb.embedded.groups.strategies import Strategy, is_known, strategy_named
from fastapi_esdb.embedded.store.metadata import MAX_METADATA
from fastapi_esdb.wire.events.values import LINK_TYPE
from fastapi_esdb.wire.groups.values import ConsumerStrategy
from tests.embedded.groups.support import FedGroup, consumer, fetch, message
from tests.embedded.watchdog import BOUND, no_collections


def strategy(name: str, *consumers: Consumer) -> Strategy:
    made = strategy_named(name)
    for one in consumers:
        made.add(one)
    return made


def deal(strategy: Strategy, *dealt: Message) -> list[Consumer | None]:
    """Give each event to whom the strategy chooses."""
    chosen = []
    for one in dealt:
        chosen.append(strategy.choose(one))
        if chosen[-1]:
            chosen[-1].give(one, 0.0)
    return chosen


def some(count: int, stream: str = "a") -> list[Message]:
    return [message(position, stream) for position in range(count)]


def with_correlation(correlation: object, stream: str = "a") -> Message:
    return message(0, stream, metadata=json.dumps({"$correlationId": correlation}).encode())


@pytest.mark.parametrize("name", list(ConsumerStrategy))
def test_nobody_gets_anything_where_nobody_is(name: str) -> None:
    """Without consumers there is nobody to choose, nor is there after the last one left."""
    one = consumer()
    made = strategy(name)
    assert made.choose(message()) is None
    made.add(one)
    made.remove(one)
    assert made.choose(message()) is None


def test_the_four_names_are_known() -> None:
    """Names are those of the protocol, written exactly so."""
    assert all(map(is_known, ConsumerStrategy))
    assert not is_known("roundrobin")


def test_round_robin_goes_round() -> None:
    """Each consumer in turn, leaving out those that are full."""
    a, b, c = consumer(1), consumer(3), consumer(3)
    assert deal(strategy(ConsumerStrategy.ROUND_ROBIN, a, b, c), *some(7)) == [a, b, c, b, c, b, c]


def test_round_robin_is_full_when_all_are() -> None:
    """An event that nobody has room for stays."""
    made = strategy(ConsumerStrategy.ROUND_ROBIN, consumer(1))
    assert deal(made, *some(2))[1] is None


def test_dispatch_to_single_fills_one_after_the_other() -> None:
    """The next consumer gets something only when the one before is full."""
    a, b = consumer(2), consumer(2)
    made = strategy(ConsumerStrategy.DISPATCH_TO_SINGLE, a, b)
    assert deal(made, *some(5)) == [a, a, b, b, None]


def test_dispatch_to_single_stays_where_it_is() -> None:
    """A consumer that answers goes on getting everything."""
    a, b = consumer(1), consumer(1)
    made = strategy(ConsumerStrategy.DISPATCH_TO_SINGLE, a, b)
    for one in some(3):
        assert deal(made, one) == [a]
        a.free(one.id, 1.0)
        a.outbox.clear()


def test_a_stream_is_pinned_to_one_consumer() -> None:
    """All events of a stream go to the same consumer, and streams are spread."""
    consumers = [consumer(100) for _ in range(4)]
    made = strategy(ConsumerStrategy.PINNED, *consumers)
    owners = [set(map(id, deal(made, *some(5, f"stream-{n}")))) for n in range(40)]
    assert all(len(owner) == 1 for owner in owners)
    assert len(set.union(*owners)) == 4


def test_a_pinned_event_waits_for_its_consumer() -> None:
    """It is not given to another one that has room."""
    a, b = consumer(1), consumer(5)
    made = strategy(ConsumerStrategy.PINNED, a, b)
    assert deal(made, *some(2)) == [a, None]
    assert deal(made, *some(1, "b")) == [b]


def test_the_streams_of_a_consumer_that_left_go_to_others() -> None:
    """Pinning is as far as it goes."""
    a, b = consumer(), consumer()
    made = strategy(ConsumerStrategy.PINNED, a, b)
    assert deal(made, *some(1)) == [a]
    made.remove(a)
    assert deal(made, *some(2)) == [b, b]


def test_a_new_consumer_takes_over_its_share() -> None:
    """Those streams first of which nobody has an event in hand."""
    a, b = consumer(100), consumer(100)
    made = strategy(ConsumerStrategy.PINNED, a)
    busy, idle = some(1, "busy"), some(1, "idle")
    deal(made, *busy, *idle)
    a.free(idle[0].id, 1.0)
    made.add(b)
    assert deal(made, *some(2, "busy")) == [a, a]
    assert deal(made, *some(2, "idle")) == [b, b]


@pytest.mark.parametrize("data", [b"7@target", b"7@target@with@signs"])
def test_a_link_counts_as_its_target(data: bytes) -> None:
    """Whether it is resolved or not, what counts is the stream that it leads to."""
    consumers = [consumer(100) for _ in range(8)]
    made = strategy(ConsumerStrategy.PINNED, *consumers)
    target = data.partition(b"@")[2].decode()
    for n in range(8):
        deal(made, *some(1, f"other-{n}"))
    link = message(0, "links", event_type=LINK_TYPE, data=data)
    [by_link], [by_target] = deal(made, link), deal(made, *some(1, target))
    assert by_link is by_target is not None


def test_a_link_without_a_target_counts_as_its_own_stream() -> None:
    """Nonsense in a link is no reason to fail."""
    one = consumer(5)
    made = strategy(ConsumerStrategy.PINNED, one)
    assert deal(made, message(0, "links", event_type=LINK_TYPE, data=b"\xff")) == [one]


def test_correlated_events_are_together() -> None:
    """The correlation id counts, and not the stream."""
    consumers = [consumer(100) for _ in range(4)]
    made = strategy(ConsumerStrategy.PINNED_BY_CORRELATION, *consumers)
    for n in range(40):
        [first, second] = deal(made, with_correlation(f"c-{n}"), with_correlation(f"c-{n}", f"stream-{n}"))
        assert first is second is not None


TOO_LARGE = b'{"$correlationId": "k"}'.ljust(MAX_METADATA + 1)


@pytest.mark.parametrize("metadata", [b"", b"[]", b"{}", b"\xff", b'{"$correlationId": 7}', b"[" * 5000, TOO_LARGE])
def test_without_a_correlation_the_stream_counts(metadata: bytes) -> None:
    """Metadata may be anything."""
    consumers = [consumer(100) for _ in range(4)]
    made = strategy(ConsumerStrategy.PINNED_BY_CORRELATION, *consumers)
    for n in range(20):
        stream = f"stream-{n}"
        [first, second] = deal(made, message(0, stream, metadata=metadata), message(1, stream))
        assert first is second is not None


@pytest.mark.parametrize("name", [ConsumerStrategy.PINNED, ConsumerStrategy.PINNED_BY_CORRELATION])
def test_very_many_events_of_a_busy_consumer(name: str) -> None:
    """While a consumer has all it can take, the many events that are for it cost no more at each turn of the group."""
    count = 50_000
    group = FedGroup(history_buffer_size=2 * count, strategy=name)
    busy, idle = group.join(), group.join()
    many = tuple(message(position, metadata=b'{"$correlationId": "one"}') for position in range(count))
    group.rules.add_page(Page(many, count, is_end=True))
    assert (len(busy.in_flight), len(idle.in_flight)) == (10, 0)
    with no_collections():
        began = time.thread_time()
        for _ in range(5):
            group.rules.tick()
        assert time.thread_time() - began < BOUND
    assert fetch(busy) == [(position, 0) for position in range(10)]
    group.rules.acknowledge(list(busy.in_flight))
    assert fetch(busy) == [(position, 0) for position in range(10, 20)]
