"""Where a subscription goes on from."""

from __future__ import annotations

from fastapi_esdb.api.cursor import Cursor
from fastapi_esdb.wire.positions import START, Position
from fastapi_esdb.wire.streams.values import FellBehind
from tests.api.fakes import recorded


def at(commit: int) -> Position:
    return Position(commit, commit)


def test_in_a_stream_it_is_the_revision_of_the_last_event() -> None:
    """Before the first event it is where the subscription began."""
    cursor = Cursor(START, in_all=False)
    before = cursor.after
    cursor.delivered(recorded(4))
    assert (before, cursor.after) == (START, 4)


def test_in_all_it_is_the_position_of_the_last_event() -> None:
    """The revision belongs to the event's own stream."""
    cursor = Cursor(START, in_all=True)
    cursor.delivered(recorded(4, commit=777))
    assert cursor.after == at(777)


def test_of_a_resolved_link_the_link_counts() -> None:
    """It is what the subscribed stream holds; its target lies elsewhere."""
    link = recorded(9, stream="links", commit=900)
    in_stream, in_all = Cursor(START, in_all=False), Cursor(START, in_all=True)
    for cursor in (in_stream, in_all):
        cursor.delivered(recorded(2, stream="target", commit=200, link=link))
    assert (in_stream.after, in_all.after) == (9, at(900))


def test_a_searched_position_counts_when_something_beyond_it_has_come() -> None:
    """The latest one could be that of an event which was not sent yet (KurrentDB issue 4970)."""
    cursor = Cursor(at(10), in_all=True)
    cursor.searched(at(20))
    assert cursor.after == at(10)
    cursor.searched(at(30))
    assert cursor.after == at(20)
    cursor.delivered(recorded(commit=40))
    assert cursor.after == at(40)


def test_a_position_told_again_proves_nothing() -> None:
    """Some servers repeat the same checkpoint while live (KurrentDB issue 3697)."""
    cursor = Cursor(at(10), in_all=True)
    cursor.searched(at(20))
    cursor.searched(at(20))
    assert cursor.after == at(10)


def test_a_searched_position_never_leads_back() -> None:
    """What was given once is not asked for again."""
    cursor = Cursor(at(10), in_all=True)
    cursor.searched(at(5))
    cursor.searched(at(7))
    assert cursor.after == at(10)
    cursor.delivered(recorded(commit=50))
    cursor.searched(at(45))
    cursor.searched(at(60))
    assert cursor.after == at(50)


def test_an_unknown_position_is_passed_over() -> None:
    """Servers say 2^64-1, or nothing, where they do not know."""
    cursor = Cursor(START, in_all=True)
    for unknown in (None, at(2**64 - 1)):
        cursor.searched(unknown)
    cursor.searched(at(60))
    assert cursor.after is START


def test_a_stream_is_not_searched() -> None:
    """Its caught-up frames carry a revision, which says no more than the last event."""
    cursor = Cursor(3, in_all=False)
    cursor.searched(at(60))
    cursor.searched(at(70))
    assert cursor.after == 3


def test_falling_behind_tells_the_place() -> None:
    """As a server would: a revision for a stream, a position for `$all`, nothing before the first event."""
    assert Cursor(3, in_all=False).fell_behind() == FellBehind(revision=3)
    assert Cursor(at(3), in_all=True).fell_behind() == FellBehind(position=at(3))
    assert Cursor(START, in_all=True).fell_behind() == FellBehind()
