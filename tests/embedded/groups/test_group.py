"""One group: deliveries, answers, time-outs, parking, checkpoints."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.groups.consumer import Subscriber
from fastapi_esdb.embedded.groups.message import Message, Page
from fastapi_esdb.wire.groups.values import ConsumerStrategy, NackAction
from tests.embedded.groups.support import FedGroup, fetch, ids, message, record


def reasons(group: FedGroup) -> list[str]:
    return [one.reason for one in group.rules.take_writes().parked]


def test_a_consumer_gets_what_was_read() -> None:
    """In order, for the first time."""
    group = FedGroup()
    group.read(0, 1, 2)
    assert fetch(group.join()) == [(0, 0), (1, 0), (2, 0)]


def test_a_consumer_gets_what_is_written() -> None:
    """A live group delivers at once, and wakes its consumer."""
    group = FedGroup(first=None)
    woken: list[bool] = []
    consumer = group.rules.join(Subscriber(10, lambda: woken.append(True)))
    group.write(5, 6)
    assert (fetch(consumer), len(woken)) == ([(5, 0), (6, 0)], 2)


def test_no_more_than_the_buffer_is_in_flight() -> None:
    """The next event comes with an answer, and not before."""
    group = FedGroup()
    [first, *_] = group.read(0, 1, 2)
    consumer = group.join(2)
    assert fetch(consumer) == [(0, 0), (1, 0)]
    group.rules.acknowledge(ids(first))
    assert fetch(consumer) == [(2, 0)]


def test_a_consumer_that_does_not_fetch_gets_no_more() -> None:
    """Time-outs must not fill the memory with events for a consumer that does not read."""
    group = FedGroup(message_timeout_ms=0)
    group.read(*range(10))
    consumer = group.join(2)
    for _ in range(20):
        group.pass_time(1)
    assert len(consumer.outbox) <= 2


def test_all_consumers_get_their_share() -> None:
    """Whoever answers gets more, whoever doesn't keeps what he has."""
    group = FedGroup(strategy=ConsumerStrategy.ROUND_ROBIN)
    read = group.read(*range(6))
    slow, quick = group.join(1), group.join(1)
    for one in read[1:]:
        assert fetch(quick) == [(one.position, 0)]
        group.rules.acknowledge(ids(one))
    assert fetch(slow) == [(0, 0)]


def test_an_answer_counts_whoever_gives_it() -> None:
    """Acknowledged is acknowledged; what is unknown is passed over."""
    group = FedGroup()
    [one] = group.read(0)
    consumer = group.join()
    group.rules.acknowledge([record().id, one.id, one.id])
    assert not consumer.in_flight
    assert group.rules.in_flight == 0


@pytest.mark.parametrize("action", [NackAction.RETRY, NackAction.UNKNOWN])
def test_a_retried_event_comes_again(action: NackAction) -> None:
    """Before what is later, with its count."""
    group = FedGroup()
    [one, _two] = group.read(0, 1)
    consumer = group.join(1)
    assert fetch(consumer) == [(0, 0)]
    group.rules.refuse(ids(one), action, "because")
    assert fetch(consumer) == [(0, 1)]


@pytest.mark.parametrize("action", [NackAction.SKIP, NackAction.STOP])
def test_a_skipped_event_is_gone(action: NackAction) -> None:
    """It counts as handled."""
    group = FedGroup(min_checkpoint_count=1)
    [one, _two] = group.read(0, 1)
    consumer = group.join(1)
    assert fetch(consumer) == [(0, 0)]
    group.rules.refuse(ids(one), action, "because")
    assert fetch(consumer) == [(1, 0)]
    group.pass_time(5)
    assert group.rules.take_writes().checkpoint == 0


def test_a_parked_event_is_to_be_written() -> None:
    """With the reason of the consumer behind the server's; it counts as handled."""
    group = FedGroup(min_checkpoint_count=1)
    [one] = group.read(0)
    group.join()
    group.rules.refuse(ids(one), NackAction.PARK, "because")
    group.pass_time(5)
    writes = group.rules.take_writes()
    assert [(parked.record, parked.reason) for parked in writes.parked] == [
        (one.record, "Client explicitly NAK'ed message.\nbecause")
    ]
    assert writes.checkpoint == 0
    assert not group.rules.has_writes


def test_beyond_the_maximum_of_retries_an_event_is_parked() -> None:
    """Each failure counts one."""
    group = FedGroup(max_retry_count=2)
    [one] = group.read(0)
    consumer = group.join()
    for _ in range(3):
        group.rules.refuse(ids(one), NackAction.RETRY, "")
    assert fetch(consumer) == [(0, 0), (0, 1), (0, 2)]
    assert reasons(group) == ["Reached retry count of 2"]


def test_without_retries_the_first_failure_parks() -> None:
    """0 retries are none."""
    group = FedGroup(max_retry_count=0)
    [one] = group.read(0)
    group.join()
    group.rules.refuse(ids(one), NackAction.RETRY, "")
    assert reasons(group) == ["Reached retry count of 0"]


def test_an_event_without_an_answer_comes_again() -> None:
    """After the time-out, at the next tick."""
    group = FedGroup(message_timeout_ms=5_000)
    group.read(0)
    consumer = group.join()
    group.pass_time(4.9)
    assert fetch(consumer) == [(0, 0)]
    group.pass_time(0.1)
    assert fetch(consumer) == [(0, 1)]


def test_without_a_timeout_every_tick_repeats() -> None:
    """0 is no patience at all, as on a real server."""
    group = FedGroup(message_timeout_ms=0, max_retry_count=1)
    group.read(0)
    consumer = group.join()
    group.pass_time(0)
    group.pass_time(0)
    assert fetch(consumer) == [(0, 0), (0, 1)]
    assert reasons(group) == ["Reached retry count of 1"]


def test_a_late_answer_does_not_count() -> None:
    """What has timed out while nobody had room is delivered again."""
    group = FedGroup(message_timeout_ms=1_000, strategy=ConsumerStrategy.DISPATCH_TO_SINGLE)
    [one] = group.read(0)
    consumer = group.join(1)
    consumer.outbox.clear()
    group.rules.leave(consumer)
    group.rules.acknowledge(ids(one))
    assert fetch(group.join()) == [(0, 1)]


def test_what_a_lost_consumer_had_goes_to_others() -> None:
    """In order, as one more try, however many there were."""
    group = FedGroup(max_retry_count=0)
    group.read(0, 1, 2)
    lost = group.join(2)
    group.rules.leave(lost)
    assert fetch(group.join()) == [(0, 1), (1, 1), (2, 0)]
    assert not group.rules.has_writes


def test_to_leave_twice_is_nothing() -> None:
    """A consumer that was dropped leaves once more when its call ends."""
    group = FedGroup()
    consumer = group.join()
    group.rules.end()
    group.rules.leave(consumer)
    assert consumer.is_dropped
    assert group.rules.consumers == []


def test_a_group_that_has_ended_has_nothing_for_anybody() -> None:
    """Those who are there are dropped, and whoever comes after."""
    group = FedGroup()
    before = group.join()
    group.rules.end()
    after = group.join()
    group.write(0)
    assert before.is_dropped
    assert after.is_dropped
    assert fetch(after) == []
    assert not group.rules.wants_page


@pytest.mark.parametrize(("maximum", "is_full"), [(0, False), (2, True), (3, False)])
def test_the_number_of_consumers_is_limited(maximum: int, is_full: bool) -> None:
    """0 is no limit."""
    group = FedGroup(max_subscriber_count=maximum)
    group.join()
    group.join()
    assert group.rules.is_full is is_full


def test_two_events_with_one_id_do_not_mix() -> None:
    """The second one waits until the first is handled, so that every answer has its event."""
    group = FedGroup()
    one = message(0)
    twin = Message(one.record, 1)
    group.rules.add_page(Page((one, twin), 2, is_end=True))
    consumer = group.join()
    assert fetch(consumer) == [(0, 0)]
    group.rules.acknowledge(ids(one))
    assert fetch(consumer) == [(1, 0)]


def test_what_a_consumer_leaves_comes_back_by_its_number() -> None:
    """A replayed event has that of its link, and so may come before what was in hand longer."""
    group = FedGroup()
    group.read(14, 15)
    first = group.join()
    group.rules.add_parked([Message(record(3), 0, is_replayed=True)])
    assert [position for position, _ in fetch(first)] == [14, 15, 0]
    group.rules.leave(first)
    assert fetch(group.join()) == [(0, 1), (14, 1), (15, 1)]


def test_replayed_events_are_no_progress() -> None:
    """They are delivered behind other retries, and leave the checkpoint alone."""
    group = FedGroup(min_checkpoint_count=1)
    group.rules.add_parked([Message(record(7), 0, is_replayed=True)])
    consumer = group.join()
    assert fetch(consumer) == [(0, 0)]
    group.rules.acknowledge(list(consumer.in_flight))
    group.pass_time(5)
    assert not group.rules.has_writes


def test_a_replayed_event_is_no_other_event() -> None:
    """Its position is one in another stream: to handle it handles nothing else."""
    group = FedGroup(max_checkpoint_count=1)
    group.read(0)
    group.join(1)
    replayed = Message(record(7), 0, is_replayed=True)
    group.rules.add_parked([replayed])
    group.join(1)
    group.rules.acknowledge(ids(replayed))
    assert not group.rules.has_writes


def test_a_replayed_event_can_be_parked_again() -> None:
    """It goes through the same retries as any other."""
    group = FedGroup(max_retry_count=1)
    group.rules.add_parked([Message(record(7), 0, is_replayed=True)])
    consumer = group.join()
    for _ in range(2):
        group.rules.refuse(list(consumer.in_flight), NackAction.RETRY, "")
    assert fetch(consumer) == [(0, 0), (0, 1)]
    assert reasons(group) == ["Reached retry count of 1"]


def test_the_newest_checkpoint_is_written() -> None:
    """What was not written yet is overtaken."""
    group = FedGroup(max_checkpoint_count=1)
    read = group.read(0, 1, 2)
    group.join()
    for one in read:
        group.rules.acknowledge(ids(one))
    assert group.rules.take_writes().checkpoint == 2
    assert not group.rules.has_writes


def test_a_pinned_event_that_waits_holds_the_checkpoint_back() -> None:
    """Later events of other streams go ahead of it; after a restart it must come nevertheless."""
    group = FedGroup(strategy=ConsumerStrategy.PINNED, max_checkpoint_count=1)
    page = (message(0, "a"), message(1, "a"), message(2, "b"))
    group.rules.add_page(Page(page, 3, is_end=True))
    slow, quick = group.join(1), group.join(1)
    assert (fetch(slow), fetch(quick)) == ([(0, 0)], [(2, 0)])
    group.rules.acknowledge(ids(page[2]))
    assert not group.rules.has_writes
    group.rules.acknowledge(ids(page[0]))
    assert group.rules.take_writes().checkpoint == 0


def test_what_the_filter_keeps_back_moves_the_checkpoint() -> None:
    """History without a match is read once and not after every restart."""
    group = FedGroup(max_checkpoint_count=100)
    group.rules.add_page(Page((), 500, is_end=False, passed=100, passed_to=499))
    assert group.rules.take_writes().checkpoint == 499


def test_what_the_filter_keeps_back_does_not_overtake_events() -> None:
    """An event that waits for a consumer must not be lost with a restart."""
    group = FedGroup(max_checkpoint_count=1)
    group.read(0)
    group.rules.add_live(Page((), 0, is_end=True, passed=100, passed_to=400))
    assert not group.rules.has_writes
    group.rules.acknowledge(list(group.join().in_flight))
    assert group.rules.take_writes().checkpoint == 400


def test_a_group_behind_does_not_pass_over_what_is_new() -> None:
    """What is written while the history is read says nothing of the history."""
    group = FedGroup(max_checkpoint_count=1)
    group.rules.add_live(Page((), 0, is_end=True, passed=100, passed_to=400))
    assert not group.rules.has_writes
