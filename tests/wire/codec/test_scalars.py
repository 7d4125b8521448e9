from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_esdb.wire.codec.scalars import (
    EPOCH,
    decode_ticks,
    decode_timestamp,
    decode_uuid,
    encode_ticks,
    encode_timestamp,
    encode_uuid,
)
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.proto.v1 import shared_pb2, timestamp_pb2
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected, expected_of, number_of
from tests.wire.values import REVISIONS, TIMES


@settings(deadline=None)
@given(st.uuids(), st.booleans())
def test_a_uuid_arrives_in_both_forms(identity: UUID, structured: bool) -> None:
    """Text or halves: it is the same id."""
    message = shared_pb2.UUID(**encode_uuid(identity, structured))
    assert decode_uuid(message) == identity


def test_a_structured_nil_uuid_is_the_nil_uuid() -> None:
    """Halves of 0 are left out of the bytes and still there."""
    assert decode_uuid(shared_pb2.UUID(structured={})) == UUID(int=0)


@pytest.mark.parametrize("message", [shared_pb2.UUID(), shared_pb2.UUID(string=""), shared_pb2.UUID(string="x")])
def test_what_is_no_uuid_is_refused(message: shared_pb2.UUID) -> None:
    """An id that is missing or malformed is an invalid argument."""
    with pytest.raises(InvalidArgument, match="UUID"):
        decode_uuid(message)


@settings(deadline=None)
@given(TIMES, st.integers(0, 9))
def test_ticks_are_exact_to_the_microsecond(time: datetime, rest: int) -> None:
    """Tenths of a microsecond are cut off, never rounded up."""
    assert decode_ticks(encode_ticks(time) + rest) == time


@settings(deadline=None)
@given(TIMES)
def test_a_timestamp_arrives_as_it_was_sent(time: datetime) -> None:
    """Timestamps are exact to the microsecond, too."""
    assert decode_timestamp(timestamp_pb2.Timestamp(**encode_timestamp(time))) == time


def test_a_moment_before_1970_is_a_moment() -> None:
    """An event imported with an early time of creation can be read."""
    early = EPOCH - timedelta(days=1, microseconds=1)
    assert decode_ticks(encode_ticks(early)) == early
    assert decode_timestamp(timestamp_pb2.Timestamp(**encode_timestamp(early))) == early


def test_times_are_aware_and_in_utc() -> None:
    """The server's clock has no time zone but UTC."""
    assert decode_ticks(17_000_000_001_234_567) == datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)


@settings(deadline=None)
@given(REVISIONS | st.sampled_from([ANY, NO_STREAM, STREAM_EXISTS]))
def test_an_expectation_has_a_number(expected: Expected) -> None:
    """Trailers and the v2 API say states by negative numbers."""
    assert expected_of(number_of(expected)) == expected


@pytest.mark.parametrize("number", [-3, -5, -6, -99])
def test_a_number_of_no_expectation_is_nothing(number: int) -> None:
    """A negative number that is neither a state nor a revision tells nothing."""
    assert expected_of(number) is None
