"""The gaps of all faults as an SVG: a dot each, on a scale that shows tenths of a second and half minutes alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.faults.results import Results
from benchmarks.faults.table import NAMES

WIDTH, LEFT, RIGHT = 720, 150, 20
ROW, HEAD, FOOT = 30, 30, 34
SHORTEST, LONGEST = 0.01, 60.0
TICKS = (0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 60)
JITTER = 18
"""How far the dots of a row are spread from top to bottom, so that equal ones are seen."""

GOLDEN = (5**0.5 - 1) / 2
COLOURS = ("#8a94a3", "#0a8f6b", "#d9822b", "#7b61c9", "#c2475f", "#2f7fc1")
"""Of the elections, and of the clients in their order."""


def picture(results: Results) -> str:
    """The whole file."""
    kinds = [kind for kind in NAMES if results.of_kind(kind)]
    height = len(kinds) * (HEAD + ROW * (1 + len(results.clients))) + FOOT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" role="img" '
        'aria-labelledby="gaps" font-family="system-ui, sans-serif" font-size="13" fill="currentColor">',
        '<title id="gaps">How long each fault kept each client from appending, beside the time of the election</title>',
        *_scale(height),
    ]
    top = 0
    for kind in kinds:
        lines += _panel(results, kind, top)
        top += HEAD + ROW * (1 + len(results.clients))
    return "\n".join([*lines, "</svg>", ""])


def _x(seconds: float) -> float:
    """Where a time is."""
    share = math.log(min(max(seconds, SHORTEST), LONGEST) / SHORTEST) / math.log(LONGEST / SHORTEST)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _scale(height: int) -> Iterator[str]:
    for tick in TICKS:
        yield f'<path d="M{_x(tick)} 8V{height - FOOT + 6}" stroke="currentColor" stroke-opacity="0.15"/>'
        yield f'<text x="{_x(tick)}" y="{height - 12}" text-anchor="middle" opacity="0.7">{tick:g} s</text>'


def _panel(results: Results, kind: str, top: int) -> Iterator[str]:
    """The rows of one kind of fault."""
    faults = results.of_kind(kind)
    yield f'<text x="4" y="{top + 20}" font-weight="600">{NAMES[kind]}, {len(faults)} times</text>'
    rows = [("election", [fault.election for fault in faults])]
    rows += [(client, [fault.costs[client].gap for fault in faults]) for client in results.clients]
    for number, (name, values) in enumerate(rows):
        yield from _row(name, values, COLOURS[number], top + HEAD + ROW * number + ROW // 2)


def _row(name: str, values: Sequence[float], colour: str, middle: int) -> Iterator[str]:
    yield f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end" opacity="0.85">{name}</text>'
    yield f'<g fill="{colour}" fill-opacity="0.55">'
    for number, value in enumerate(values):
        y = middle + JITTER * ((number * GOLDEN) % 1 - 0.5)
        yield f'<circle cx="{_x(value)}" cy="{y:.1f}" r="3"/>'
    yield "</g>"
    x = _x(median(values))
    yield f'<path d="M{x} {middle - 11}V{middle + 11}" stroke="{colour}" stroke-width="2.5"/>'
