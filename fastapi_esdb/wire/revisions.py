"""Revisions, and what an append may expect of a stream."""

from __future__ import annotations

import enum

MAX_REVISION = 2**63 - 1
"""The largest revision a server accepts: it keeps revisions as signed 64-bit numbers."""

NO_EVENT = -1
"""The revision of a stream without events, as servers and their clients count."""


class StreamState(enum.Enum):
    """What an append may expect of a stream beside an exact revision.

    The values are the numbers that the server uses for them in its trailers and in the v2 API.
    """

    NO_STREAM = -1
    ANY = -2
    STREAM_EXISTS = -4

    def __repr__(self) -> str:
        return self.name


ANY = StreamState.ANY
NO_STREAM = StreamState.NO_STREAM
STREAM_EXISTS = StreamState.STREAM_EXISTS

Expected = int | StreamState
"""An expected revision: the number of the stream's last event, or a `StreamState`."""


def number_of(expected: Expected) -> int:
    """The number that trailers and the v2 API have for an expected or actual revision."""
    return expected.value if isinstance(expected, StreamState) else expected


def expected_of(number: int) -> Expected | None:
    """The revision or state of that number; `None` for a negative one that is neither."""
    if number >= 0:
        return number
    return next((state for state in StreamState if state.value == number), None)
