"""What is read and not delivered yet."""

import random
import time
from dataclasses import replace

import pytest

from fastapi_esdb.embedded.groups.buffer import LOOK_AHEAD, Buffer
from fastapi_esdb.embedded.groups.message import Message
from tests.embedded.groups.support import message, messages, positions
from tests.embedded.watchdog import no_collections


def behind(size: int = 5, live_size: int = 3, first: int = 0) -> Buffer:
    return Buffer(size, live_size, first, lambda _: None)


def live(size: int = 5, live_size: int = 3) -> Buffer:
    return Buffer(size, live_size, None, lambda _: None)


def add_read(buffer: Buffer, *at: int) -> None:
    for one in messages(*at):
        buffer.add_read(one)


def add_live(buffer: Buffer, *at: int) -> list[bool]:
    return [buffer.add_live(one) for one in messages(*at)]


def test_a_buffer_has_room_for_a_page_that_leaves_a_place_free() -> None:
    """A page must be smaller than the room, as on a real server."""
    buffer = behind(size=5)
    add_read(buffer, 0, 1)
    assert buffer.has_room(2)
    assert not buffer.has_room(3)


def test_retries_take_room_too() -> None:
    """What waits for its repetition keeps history from being read."""
    buffer = behind(size=3)
    buffer.add_retry(message(0))
    assert not buffer.has_room(2)


def test_history_before_the_first_place_is_left_out() -> None:
    """A group that begins at a position never gets what lies before it, read or live."""
    buffer = behind(first=5)
    add_read(buffer, 4, 5)
    buffer.end_history()
    add_live(buffer, 3)
    assert positions(buffer.events) == [5]


def test_a_live_buffer_takes_events_as_they_come() -> None:
    """A group that starts at the end has nothing to read."""
    buffer = live()
    assert add_live(buffer, 7, 8) == [False, False]
    assert positions(buffer.events) == [7, 8]


def test_a_full_live_buffer_falls_behind_once() -> None:
    """The event that did not fit is told of, so that it can be read again; those after it are just kept."""
    buffer = live(size=2)
    assert add_live(buffer, 1, 2, 3, 4) == [False, False, True, False]
    assert not buffer.is_live
    assert positions(buffer.events) == [1, 2]


def test_only_the_newest_live_events_are_kept() -> None:
    """The live buffer holds as many as the settings say, delivered ones included."""
    buffer = live(live_size=2)
    add_live(buffer, 1, 2, 3)
    assert positions(buffer.recent) == [2, 3]


def test_history_that_meets_the_newest_events_ends_there() -> None:
    """The buffer is live again with all events, each of them once."""
    buffer = behind()
    add_live(buffer, 3, 4)
    add_read(buffer, 1, 2, 3, 4)
    assert buffer.is_live
    assert positions(buffer.events) == [1, 2, 3, 4]


def test_history_that_has_passed_the_first_of_the_newest_events_meets_them_too() -> None:
    """An event that was written and hidden again must not keep the buffer from becoming live."""
    buffer = behind()
    add_live(buffer, 3, 4)
    add_read(buffer, 2, 4)
    assert buffer.is_live
    assert positions(buffer.events) == [2, 4]


def test_a_slow_buffer_reads_on_from_where_it_fell_behind() -> None:
    """What did not fit comes from the history, up to the newest events."""
    buffer = live(size=2, live_size=2)
    add_live(buffer, 1, 2, 3, 4, 5)
    buffer.deliver(lambda: False, lambda _: True)
    add_read(buffer, 3, 4)
    assert buffer.is_live
    assert positions(buffer.events) == [3, 4, 5]


def test_a_history_without_the_newest_events_has_no_end() -> None:
    """Events that the history does not show, having been hidden since, are not delivered; the next one is."""
    buffer = behind()
    add_read(buffer, 1)
    add_live(buffer, 2, 3)
    buffer.end_history()
    assert not buffer.is_live
    add_live(buffer, 4)
    add_read(buffer, 4)
    assert buffer.is_live
    assert positions(buffer.events) == [1, 4]
    assert not buffer.recent


def test_what_the_history_shows_again_comes_again() -> None:
    """A stream that was truncated may be read from its beginning later, and a server takes its events a second time."""
    buffer = behind()
    add_read(buffer, 1, 2)
    add_live(buffer, 4)
    add_read(buffer, 2, 3, 4)
    assert positions(buffer.events) == [1, 2, 2, 3, 4]


def test_an_event_is_not_taken_twice() -> None:
    """What the history has shown already is not taken when it comes as new."""
    buffer = behind()
    add_read(buffer, 1, 2)
    buffer.end_history()
    add_live(buffer, 1, 2, 3)
    assert positions(buffer.events) == [1, 2, 3]


def test_pages_are_ignored_once_live() -> None:
    """The rest of a page that has met the newest events comes as new, or has come."""
    buffer = live()
    add_read(buffer, 9)
    assert not buffer.events


def test_retries_are_in_order_with_replayed_events_last() -> None:
    """What is to be repeated keeps the order of the source, whenever it came back."""
    buffer = live()
    parked = message(0)
    for one in (message(5), message(2), message(9)):
        buffer.add_retry(one)
    buffer.add_retry(type(parked)(parked.record, 0, is_replayed=True))
    buffer.add_retry(message(3))
    assert positions(buffer.retries) == [2, 3, 5, 9, 0]


@pytest.mark.parametrize("taken", [set(), {1}, {2, 4}, {1, 2, 3, 4}])
def test_what_is_taken_is_gone_and_the_rest_in_order(taken: set[int]) -> None:
    """Retries are offered first; what nobody takes is offered again with them, before what comes later."""
    buffer = live()
    buffer.add_retry(message(1))
    buffer.add_retry(message(2))
    add_live(buffer, 3, 4)
    offered = []

    def offer(one: object) -> bool:
        offered.extend(positions([one]))
        return offered[-1] in taken

    buffer.deliver(lambda: False, offer)
    assert offered == [1, 2, 3, 4]
    assert positions(buffer.retries) == [n for n in (1, 2, 3, 4) if n not in taken]
    assert not buffer.events


def test_nothing_is_offered_when_nobody_has_room() -> None:
    """The offers stop as soon as all consumers are full."""
    buffer = live()
    add_live(buffer, 1, 2, 3)
    taken: list[int] = []

    def take(one: object) -> bool:
        taken.extend(positions([one]))
        return True

    buffer.deliver(lambda: len(taken) == 2, take)
    assert taken == [1, 2]
    assert positions(buffer.events) == [3]


def test_every_event_is_begun_once_and_in_order() -> None:
    """Read or live, and however often the buffer falls behind."""
    begun: list[int] = []
    buffer = Buffer(2, 2, None, begun.append)
    add_live(buffer, 1, 2, 3, 4, 5)
    buffer.deliver(lambda: False, lambda _: True)
    add_read(buffer, 3, 4, 5)
    add_live(buffer, 5, 6)
    assert begun == [1, 2, 3, 4, 5]
    buffer.deliver(lambda: False, lambda _: True)
    add_read(buffer, 6)
    assert begun == [1, 2, 3, 4, 5, 6]


def test_retries_in_any_order() -> None:
    """Whatever comes and goes, a retry is put before the first later one that is no replayed event."""
    dice = random.Random(1)
    for _ in range(200):
        buffer, expected = behind(), list[int]()
        replayed = set[int]()
        for position in dice.sample(range(1000), 30):
            if expected and dice.random() < 0.3:
                assert buffer.retries.popleft().position == expected.pop(0)
            if dice.random() < 0.2:
                replayed.add(position)
                buffer.add_retry(replace(message(position), is_replayed=True))
                expected.append(position)
                continue
            buffer.add_retry(message(position))
            later = (i for i, other in enumerate(expected) if other not in replayed and other > position)
            expected.insert(next(later, len(expected)), position)
        assert positions(buffer.retries) == expected


def test_very_many_retries() -> None:
    """A consumer that goes with twenty thousand events in hand does not hold up the others for long."""
    buffer, many = behind(), [message(position) for position in range(20_000)]
    with no_collections():
        began = time.thread_time()
        for one in many:
            buffer.add_retry(one)
        assert time.thread_time() - began < 1


def test_very_many_events_that_nobody_can_take() -> None:
    """Those behind them wait, and everything keeps its position."""
    buffer = behind(size=5 * LOOK_AHEAD)
    add_read(buffer, *range(3 * LOOK_AHEAD))
    offered: list[int] = []

    def take_few(one: Message) -> bool:
        offered.append(one.position)
        return one.position < 5

    buffer.deliver(lambda: False, take_few)
    assert offered == list(range(LOOK_AHEAD + 5))
    assert [*positions(buffer.retries), *positions(buffer.events)] == list(range(5, 3 * LOOK_AHEAD))
    offered.clear()
    buffer.deliver(lambda: False, take_few)
    assert offered == list(range(5, LOOK_AHEAD + 5))
