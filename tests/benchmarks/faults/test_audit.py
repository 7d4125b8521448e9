"""What is found when a client's journal and the log differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.faults import load
from benchmarks.faults.audit import Audit, Delivery, audit, compared, is_delivered
from benchmarks.faults.entries import Delivered, Ended, Entry, Failed, Stopped
from benchmarks.faults.journal import Journal
from tests.benchmarks.faults.journals import CLIENT, EVENTS, entries, log

GOOD = Audit(
    acked=5,
    failed=0,
    stored=5,
    lost=0,
    doubled=0,
    said_open=0,
    unsaid=0,
    missing=0,
    misdelivered=0,
    unconsumed=0,
    reopened=0,
    ended=0,
)


def without(*left_out: Entry) -> Journal:
    """The good journal without some of its entries."""
    return Journal(entry for entry in entries() if entry not in left_out)


def test_all_is_well() -> None:
    """A consumer may get an event twice: that is what it is told to expect."""
    journal = Journal(entries())
    assert audit(CLIENT, journal, log()) == GOOD
    assert is_delivered(CLIENT, journal, log())


def test_a_lost_event_is_found() -> None:
    """It was acknowledged and is not in the log; those who were told of it were told of nothing."""
    found = audit(CLIENT, Journal(entries()), log(EVENTS[:-1]))
    assert found.lost == 1
    assert found.misdelivered == 1


def test_a_doubled_event_is_found() -> None:
    """It is in the log twice."""
    assert audit(CLIENT, Journal(entries()), log([*EVENTS, "b3"])).doubled == 1


@pytest.mark.parametrize(("follower", "event"), [(load.STREAM, "a1"), (load.ALL, "b2")])
def test_a_skipped_event_is_found(follower: str, event: str) -> None:
    """A subscription went on behind it."""
    journal = without(Delivered(9.0, follower, event))
    assert audit(CLIENT, journal, log()) == replace(GOOD, missing=1)
    assert not is_delivered(CLIENT, journal, log())


def test_an_event_that_nobody_consumed_is_found() -> None:
    """Whoever consumes must get each of them at least once."""
    journal = without(Delivered(9.0, load.CONSUMER, "b2"))
    assert audit(CLIENT, journal, log()) == replace(GOOD, unconsumed=1)
    assert not is_delivered(CLIENT, journal, log())


@pytest.mark.parametrize(
    ("delivered", "difference"),
    [
        ("abcd", Delivery(0, 0, 0, 0)),
        ("abd", Delivery(1, 0, 0, 0)),
        ("abbcd", Delivery(0, 1, 0, 0)),
        ("acbd", Delivery(0, 0, 1, 0)),
        ("bcda", Delivery(0, 0, 1, 0)),
        ("abxcd", Delivery(0, 0, 0, 1)),
        ("abab", Delivery(2, 2, 0, 0)),
        ("", Delivery(4, 0, 0, 0)),
    ],
)
def test_how_a_subscription_differs(delivered: str, difference: Delivery) -> None:
    """Left out, twice, too late, and never stored are told apart."""
    assert compared(delivered, "abcd") == difference
    assert difference.faults == sum(
        (difference.missing, difference.repeated, difference.disordered, difference.unknown)
    )


@pytest.mark.parametrize(("is_open", "changes"), [(True, {"said_open": 1}), (False, {"unsaid": 1})])
def test_stored_though_it_failed(is_open: bool, changes: dict[str, int]) -> None:
    """Whether the error said that this may be is what counts."""
    journal = Journal(entry for entry in entries() if getattr(entry, "time", 0) != 4.0)
    journal.add(Failed(4.0, 1, "b3", "AppendOutcomeUnknown", is_open))
    assert audit(CLIENT, journal, log()) == replace(GOOD, acked=4, failed=1, **changes)


def test_failed_and_not_stored() -> None:
    """Such an append is a failure and nothing else."""
    journal = Journal([*entries(), Failed(5.0, 1, "b4", "ConnectionClosed", False)])
    assert audit(CLIENT, journal, log()) == replace(GOOD, failed=1)


def test_what_the_user_had_to_do_is_counted() -> None:
    """Subscriptions opened again, and those that ended without that."""
    journal = Journal([*entries(), Ended(5.0, load.ALL, "GroupNotFound"), Stopped(3)])
    assert audit(CLIENT, journal, log()) == replace(GOOD, reopened=3, ended=1)
