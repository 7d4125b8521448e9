"""The comparison as a picture: a bar for each contender, as long as the client's CPU time that it takes.

Each case has a scale of its own, since an append takes ten times what an event of a read does. The ground is part of
the picture, so that it can be read on a page of any colour.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from benchmarks.cases import KURRENT, OURS
from benchmarks.tables import number

WIDTH = 860
MARGIN = 24
NAMES = 210
"""Room for the names, left of the bars."""

BARS = 460
"""The longest bar."""

BAR, GAP, CASE_GAP, TOP = 18, 7, 46, 96

STYLE = """
    .ground { fill: #fff }
    .ours { fill: #00796b }
    .kurrent { fill: #b45f06 }
    .bare { fill: #a4adb8 }
    text { fill: #22272e; font-size: 13px }
    .title { font-size: 19px; font-weight: 600 }
    .case { font-size: 14px; font-weight: 600 }
    .quiet { fill: #57606a }
    .strong { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #1c1f25 }
      .ours { fill: #4db6a6 }
      .kurrent { fill: #e39a4b }
      .bare { fill: #5d6875 }
      text { fill: #e8eaee }
      .quiet { fill: #a5afbd }
    }"""


def chart(result: dict[str, Any]) -> str:
    """The whole picture, as SVG."""
    parts, top = [], TOP
    for case in result["cases"]:
        parts.append(_case(case, top))
        top += CASE_GAP + len(case["rows"]) * (BAR + GAP)
    title = "Client CPU time for one operation: shorter is better"
    note = f"medians of {result['rounds']} rounds; in bold how many times less than {KURRENT}"
    head = _text(MARGIN, 36, title, "title") + _text(MARGIN, 58, note, "quiet")
    return _svg(top - CASE_GAP + MARGIN, title, _described(result), head + "".join(parts))


def _svg(height: int, title: str, description: str, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="t d" font-family="system-ui, sans-serif">\n'
        f'  <title id="t">{escape(title)}</title>\n  <desc id="d">{escape(description)}</desc>\n'
        f"  <style>{STYLE}\n  </style>\n"
        f'  <rect class="ground" width="{WIDTH}" height="{height}" rx="14"/>\n{content}</svg>\n'
    )


def _described(result: dict[str, Any]) -> str:
    """What the picture shows, for those who don't see it."""
    return " ".join(f"{case['title']}: {', '.join(map(_value, case['rows']))}." for case in result["cases"])


def _case(case: dict[str, Any], top: int) -> str:
    """The bars of one case, from `top` on."""
    longest = max(row["cpu"]["median"] for row in case["rows"])
    title = _text(MARGIN, top, case["title"], "case")
    bars = (_bar(row, top + 12 + index * (BAR + GAP), longest) for index, row in enumerate(case["rows"]))
    return title + "".join(bars)


def _bar(row: dict[str, Any], top: int, longest: float) -> str:
    start, middle = MARGIN + NAMES, top + BAR - 5
    width = max(BARS * row["cpu"]["median"] / longest, 1)
    name = _text(MARGIN, middle, row["contender"], "strong" if row["contender"].startswith(OURS) else "quiet")
    rect = f'  <rect class="{_colour(row)}" x="{start}" y="{top}" width="{width:.1f}" height="{BAR}" rx="3"/>\n'
    value = f"{number(row['cpu']['median'])} µs"
    return name + rect + _text(start + width + 8, middle, value, "", _gain(row))


def _gain(row: dict[str, Any]) -> str:
    """How many times less than kurrentdbclient takes."""
    return f"{row['gain']['median']:.1f}×" if row["gain"] and row["contender"] != KURRENT else ""


def _value(row: dict[str, Any]) -> str:
    return f"{row['contender']} {number(row['cpu']['median'])} µs"


def _colour(row: dict[str, Any]) -> str:
    name = row["contender"]
    return "ours" if name.startswith(OURS) else "kurrent" if name == KURRENT else "bare"


def _text(x: float, y: float, text: str, kind: str, emphasis: str = "") -> str:
    """A line of text, and something in bold behind it."""
    behind = f'<tspan class="strong" dx="10">{escape(emphasis)}</tspan>' if emphasis else ""
    return f'  <text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(text)}{behind}</text>\n'
