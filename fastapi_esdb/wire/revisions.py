"""Revisions of streams, and the state that an append may expect of a stream."""

from __future__ import annotations

import enum

MAX_REVISION = 2**63 - 1
"""The largest revision that a server accepts: it stores revisions as signed 64-bit numbers."""

NO_EVENT = -1
"""The revision that servers and their clients give to a stream without events."""


class StreamState(enum.Enum):
    """A state that an append may expect of a stream, other than an exact revision.

    The values are the numbers that stand for them in trailers and in the v2 API.
    """

    NO_STREAM = -1
    ANY = -2
    STREAM_EXISTS = -4

    __hash__ = object.__hash__  # that of an enum is slower, and appends look up what they expect

    def __repr__(self) -> str:
        return self.name


ANY = StreamState.ANY
NO_STREAM = StreamState.NO_STREAM
STREAM_EXISTS = StreamState.STREAM_EXISTS

Expected = int | StreamState
"""The revision of the stream's last event, or a `StreamState`."""


def number_of(expected: Expected) -> int:
    """Return the number for an expected or actual revision, as trailers and the v2 API have it."""
    return expected.value if isinstance(expected, StreamState) else expected


def expected_of(number: int) -> Expected | None:
    """Return the revision or state that a number stands for; `None` for an unknown negative number."""
    if number >= 0:
        return number
    return next((state for state in StreamState if state.value == number), None)
