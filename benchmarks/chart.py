"""The comparison as a picture: a bar for each contender, as long as the client's CPU time that it takes.

Each case has a scale of its own, since an append takes ten times what an event of a read does. Text has the colour of
the page around it; by itself the picture is light or dark as its reader likes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.cases import KURRENT, OURS
from benchmarks.tables import number

WIDTH = 860
MARGIN = 24
NAMES = 216
"""Room for the names, left of the bars."""

BARS = 460
"""The longest bar."""

BAR, GAP, CASE_GAP, TOP = 18, 7, 46, 96

SHOWN = (
    "read",
    "load-10-16",
    "packed-load-10-16",
    "append-1",
    "append-64",
    "app-load-append",
    "packed-app-load-append",
)
"""The cases in the picture; the tables have all."""

OURS_COLOUR, KURRENT_COLOUR, BARE_COLOUR = "#1f9d8b", "#d07a2d", "#8a94a3"
"""They stand out on light and dark ground alike."""

TITLE, CASE, QUIET, STRONG = (
    'font-size="18" font-weight="600"',
    'font-size="14" font-weight="600"',
    'opacity="0.75"',
    'font-weight="600"',
)


def chart(result: dict[str, Any]) -> str:
    """The whole picture, as SVG."""
    parts, top = [], TOP
    cases = [case for case in result["cases"] if case["name"] in SHOWN]
    for case in cases:
        parts.append(_case(case, top))
        top += CASE_GAP + len(case["rows"]) * (BAR + GAP)
    title = "Client CPU time for one operation: shorter is better"
    note = f"medians of {result['rounds']} rounds; in bold how many times less than {KURRENT}"
    head = _text(MARGIN, 36, title, TITLE) + _text(MARGIN, 58, note, QUIET)
    return _svg(top - CASE_GAP + MARGIN, title, _described(cases), head + "".join(parts))


def _svg(height: int, title: str, description: str, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img" '
        'aria-labelledby="bench bench-text" font-family="system-ui, sans-serif" font-size="13" fill="currentColor" '
        'style="color-scheme: light dark">\n'
        f'  <title id="bench">{escape(title)}</title>\n  <desc id="bench-text">{escape(description)}</desc>\n'
        f"{content}</svg>\n"
    )


def _described(cases: Sequence[dict[str, Any]]) -> str:
    """What the picture shows, for those who don't see it."""
    return " ".join(f"{case['title']}: {', '.join(map(_value, case['rows']))}." for case in cases)


def _case(case: dict[str, Any], top: int) -> str:
    """The bars of one case, from `top` on."""
    longest = max(row["cpu"]["median"] for row in case["rows"])
    title = _text(MARGIN, top, case["title"], CASE)
    bars = (_bar(row, top + 12 + index * (BAR + GAP), longest) for index, row in enumerate(case["rows"]))
    return title + "".join(bars)


def _bar(row: dict[str, Any], top: int, longest: float) -> str:
    start, middle = MARGIN + NAMES, top + BAR - 5
    width = max(BARS * row["cpu"]["median"] / longest, 1)
    name = _text(MARGIN, middle, row["contender"], STRONG if row["contender"].startswith(OURS) else QUIET)
    rect = f'  <rect fill="{_colour(row)}" x="{start}" y="{top}" width="{width:.1f}" height="{BAR}" rx="3"/>\n'
    value = f"{number(row['cpu']['median'])} µs"
    return name + rect + _text(start + width + 8, middle, value, "", _gain(row))


def _gain(row: dict[str, Any]) -> str:
    """How many times less than kurrentdbclient takes."""
    return f"{row['gain']['median']:.1f}×" if row["gain"] and row["contender"] != KURRENT else ""


def _value(row: dict[str, Any]) -> str:
    return f"{row['contender']} {number(row['cpu']['median'])} µs"


def _colour(row: dict[str, Any]) -> str:
    name = row["contender"]
    return OURS_COLOUR if name.startswith(OURS) else KURRENT_COLOUR if name == KURRENT else BARE_COLOUR


def _text(x: float, y: float, text: str, look: str, emphasis: str = "") -> str:
    """A line of text, and something in bold behind it."""
    behind = f'<tspan {STRONG} dx="10">{escape(emphasis)}</tspan>' if emphasis else ""
    return f'  <text {look} x="{x:.0f}" y="{y:.0f}">{escape(text)}{behind}</text>\n'
