"""The geometry of what the status page draws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi_esdb.connection.state import ConnectionState
from fastapi_esdb.plugin.status.drawing import WIDTH, Span, bars, line, per_second
from fastapi_esdb.pool.timeline import StateChange

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def change(seconds: float, state: str) -> StateChange:
    return StateChange(ago(seconds), ConnectionState(state), "")


def test_a_drawing_shows_an_hour_or_what_there_has_been() -> None:
    """A minute at least, so that a process that has just begun has something to show."""
    assert (Span.until(NOW, ago(7200)).begin, Span.until(NOW, ago(7200)).text) == (ago(3600), "hour")
    assert (Span.until(NOW, ago(600)).begin, Span.until(NOW, ago(600)).text) == (ago(600), "10 minutes")
    assert (Span.until(NOW, ago(5)).begin, Span.until(NOW, ago(5)).text) == (ago(60), "minute")


def test_states_are_bars_from_one_change_to_the_next() -> None:
    """The last one reaches to the present; what began before the drawing begins with it, and what ended before is not
    shown."""
    span = Span.until(NOW, ago(100))
    changes = [change(200, "connecting"), change(150, "connected"), change(50, "closed"), change(25, "connecting")]
    assert [(bar.x, bar.width, bar.state.value) for bar in bars(changes, span)] == [
        (0.0, WIDTH / 2, "connected"),
        (WIDTH / 2, WIDTH / 4, "closed"),
        (WIDTH * 3 / 4, WIDTH / 4, "connecting"),
    ]


def test_a_state_of_a_moment_can_be_seen() -> None:
    """Also at the very end of the drawing, which it does not leave."""
    shown = bars([change(3600, "connected"), change(0.001, "closed")], Span.until(NOW, ago(3600)))
    assert shown[1].width == 2
    assert shown[1].x + shown[1].width <= WIDTH


def test_numbers_are_a_line_as_high_as_their_most() -> None:
    """The text says the same; samples from before the drawing are left out."""
    drawn = line([(ago(120), 99.0), (ago(60), 0.0), (ago(30), 4.0), (NOW, 1.0)], Span.until(NOW, ago(60)))
    assert drawn.points == "0,40 300,0 600,30"
    assert (drawn.most, drawn.last) == (4.0, 1.0)
    assert drawn.area.startswith("0,40 0,40")
    assert drawn.area.endswith("600,40")


def test_nothing_is_drawn_of_nothing() -> None:
    """And numbers that are all zero are a line on the ground."""
    assert line([], Span.until(NOW, NOW)).points == ""
    assert line([(NOW, 0.0)], Span.until(NOW, NOW)).points == "600,40"


def test_totals_become_rates() -> None:
    """Two samples of the same moment have none."""
    assert per_second([(ago(10), 0), (ago(5), 10), (ago(5), 20), (NOW, 20)]) == [(ago(5), 2.0), (NOW, 0.0)]
