"""What a group reads, and when: history, what was just written, and where both meet."""

from __future__ import annotations

import pytest

from tests.embedded.groups.support import FedGroup, fetch, ids


def test_history_is_read_while_there_is_room() -> None:
    """A group without consumers reads as much as it can hold, and goes on with the first answer of one."""
    group = FedGroup(history_buffer_size=5, read_batch_size=2)
    assert group.rules.wants_page
    first, *_ = group.read(0, 1, 2, is_end=False)
    assert not group.rules.wants_page
    assert group.rules.next_position == 3
    group.join()
    assert not group.rules.wants_page
    group.rules.acknowledge(ids(first))
    assert group.rules.wants_page


@pytest.mark.parametrize(("size", "batch"), [(0, 10), (7, 7), (300, 100)])
def test_the_size_of_a_page(size: int, batch: int) -> None:
    """As the settings say, the server's own where they don't, and never too large."""
    assert FedGroup(read_batch_size=size, history_buffer_size=500).rules.batch == batch


def test_a_batch_size_of_zero_still_reads() -> None:
    """A client that leaves the batch to the server gets its events."""
    assert FedGroup(read_batch_size=0, history_buffer_size=1).rules.wants_page


def test_a_live_group_that_overflows_reads_again() -> None:
    """It falls back to the history, from the event that did not fit, and misses nothing."""
    group = FedGroup(first=None, history_buffer_size=3, live_buffer_size=2, read_batch_size=2)
    group.write(0, 1, 2, 3, 4, 5)
    assert not group.rules.buffer.is_live
    assert group.rules.next_position == 3
    consumer = group.join()
    group.pass_time(1)
    assert group.rules.wants_page
    group.read(3, 4, is_end=False)
    assert group.rules.buffer.is_live
    assert [position for position, _ in fetch(consumer)] == [0, 1, 2, 3, 4, 5]


def test_a_start_beyond_the_end() -> None:
    """The group knows of no event until the stream gets there, even when it has a checkpoint before that."""
    for group in (FedGroup(first=5, start=5), FedGroup(first=2, checkpoint=1, start=5)):
        group.read()
        consumer = group.join()
        group.write(2, 3, 4)
        assert (group.rules.last_known, fetch(consumer)) == (None, [])
        group.write(5)
        assert (group.rules.last_known, fetch(consumer)) == (5, [(5, 0)])


def test_the_last_known_event_is_the_last_that_was_looked_at() -> None:
    """Of what was just written, or of the history behind it."""
    group = FedGroup(live_buffer_size=1)
    group.read(0, is_end=False)
    group.write(9)
    assert group.rules.last_known == 9
    group.read(1, 2, is_end=False)
    assert group.rules.last_known == 2


def test_the_event_of_the_checkpoint_is_read_once_more_and_left_out() -> None:
    """Where that is hidden by now, the one that is read in its place is lost, as on a real server."""
    group = FedGroup(first=1, checkpoint=1, skips_first=True)
    assert group.rules.next_position == 1
    group.read(1, 2, 3)
    assert fetch(group.join()) == [(2, 0), (3, 0)]
    truncated = FedGroup(first=1, checkpoint=1, skips_first=True)
    truncated.read(3, 4)
    assert fetch(truncated.join()) == [(4, 0)]


def test_the_end_of_a_stream_that_hides_what_is_new() -> None:
    """A soft delete leaves what is buffered; the group looks again with each event, answer or tick."""
    group = FedGroup(history_buffer_size=5, read_batch_size=2)
    first, *_ = group.read(0, 1, 2, is_end=False)
    group.write(3, 4)
    consumer = group.join()
    group.rules.acknowledge(ids(first))
    group.read(is_end=True)
    assert not group.rules.wants_page
    assert not group.rules.buffer.is_live
    assert [position for position, _ in fetch(consumer)] == [0, 1, 2]
    group.pass_time(1)
    assert group.rules.wants_page
    group.read(is_end=True)
    group.write(5)
    assert group.rules.wants_page
    group.read(5)
    assert [position for position, _ in fetch(consumer)] == [5]
