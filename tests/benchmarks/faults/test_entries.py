"""Entries on their way between two processes."""

from __future__ import annotations

import pytest

from benchmarks.faults.entries import Acked, Delivered, Ended, Entry, Failed, Stopped, from_line, to_line


@pytest.mark.parametrize(
    "entry",
    [
        Acked(1.5, 2, "id"),
        Failed(1.5, 2, "id", 'Error: "x"\nand more', True),
        Delivered(1.5, "$all", "id"),
        Ended(1.5, "stream", "Error"),
        Stopped(3),
    ],
)
def test_entries_travel_as_lines(entry: Entry) -> None:
    """One line each, and the same on the other side."""
    line = to_line(entry)
    assert "\n" not in line
    assert from_line(line) == entry
