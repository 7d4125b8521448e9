from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec, Method
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v2 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import (
    AppendRecords,
    Check,
    DeletedState,
    Record,
    SchemaFormat,
    SessionAppend,
    StreamsAppended,
)
from tests.wire.comparing import Golden, check

ONE = UUID("00000000-0000-4000-8000-000000000001")
TWO = UUID("ffffffff-ffff-4fff-bfff-fffffffffff2")

PLAIN = Record(ONE, "T")
FULL = Record(
    TWO,
    "Order.Placed",
    b"\x00\xff",
    SchemaFormat.AVRO,
    {"$correlationId": "k", "n": 1.5, "of": [True, None, {}]},
    schema_id=ONE,
)
OF_A = Record(ONE, "T", b"{}", stream="a")
OF_B = Record(TWO, "T", b"{}", SchemaFormat.BYTES, stream="b")
CHECKS = (
    Check("a", NO_STREAM),
    Check("b", STREAM_EXISTS),
    Check("c", DeletedState.SOFT_DELETED),
    Check("d", DeletedState.TOMBSTONED),
    Check("e", 0),
)

GOLDEN: list[Golden] = [
    (
        APPEND_SESSION.request,
        SessionAppend("a", (PLAIN,)),
        b'\n\x01a\x12/\n$00000000-0000-4000-8000-000000000001\x1a\x05\x08\x01\x12\x01T"\x00\x18\x03',
    ),
    (
        APPEND_SESSION.request,
        SessionAppend("a", (PLAIN, FULL), expected=0),
        (
            b'\n\x01a\x12/\n$00000000-0000-4000-8000-000000000001\x1a\x05\x08\x01\x12\x01T"\x00\x12\x9f\x01'
            b"\n$ffffffff-ffff-4fff-bfff-fffffffffff2\x12\x15\n\x0e$correlationId\x12\x03\x1a\x01k\x12\x0e"
            b"\n\x01n\x12\t\x11\x00\x00\x00\x00\x00\x00\xf8?\x12\x14\n\x02of\x12\x0e2\x0c\n\x02 \x01\n\x02"
            b"\x08\x00\n\x02*\x00\x1a6\x08\x03\x12\x0cOrder.Placed\x1a$00000000-0000-4000-8000-000000000001"
            b'"\x02\x00\xff\x18\x00'
        ),
    ),
    (
        APPEND_SESSION.request,
        SessionAppend("a", (PLAIN,), NO_STREAM),
        b'\n\x01a\x12/\n$00000000-0000-4000-8000-000000000001\x1a\x05\x08\x01\x12\x01T"\x00\x18\x01',
    ),
    (
        APPEND_SESSION.request,
        SessionAppend("a", (PLAIN,), STREAM_EXISTS),
        b'\n\x01a\x12/\n$00000000-0000-4000-8000-000000000001\x1a\x05\x08\x01\x12\x01T"\x00\x18\x07',
    ),
    (
        APPEND_SESSION.response,
        StreamsAppended({"a": 0, "b": 5}, Position(70, 70)),
        b"\n\x05\n\x01a\x10\x00\n\x05\n\x01b\x10\n\x10\x8c\x01",
    ),
    (
        APPEND_RECORDS.request,
        AppendRecords((OF_A, OF_B)),
        (
            b'\n4\n$00000000-0000-4000-8000-000000000001\x1a\x05\x08\x01\x12\x01T"\x02{}*\x01a\n4\n$fffffff'
            b'f-ffff-4fff-bfff-fffffffffff2\x1a\x05\x08\x04\x12\x01T"\x02{}*\x01b'
        ),
    ),
    (
        APPEND_RECORDS.request,
        AppendRecords((OF_A,), CHECKS),
        (
            b'\n4\n$00000000-0000-4000-8000-000000000001\x1a\x05\x08\x01\x12\x01T"\x02{}*\x01a\x12\x07\n'
            b"\x05\n\x01a\x10\x01\x12\x07\n\x05\n\x01b\x10\x07\x12\x07\n\x05\n\x01c\x10\t\x12\x07\n\x05\n"
            b"\x01d\x10\x0b\x12\x07\n\x05\n\x01e\x10\x00"
        ),
    ),
    (
        APPEND_RECORDS.response,
        StreamsAppended({"b": 5, "a": 0}, Position(70, 70)),
        b"\n\x05\n\x01b\x10\n\n\x05\n\x01a\x10\x00\x10\x8c\x01",
    ),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each request and each answer is these bytes, and these bytes are it."""
    check(codec, value, data)


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, STREAM_EXISTS, 0, 1, MAX_REVISION])
def test_expectations(expected: Expected) -> None:
    """A session expects of a stream what an append of v1 does."""
    append = SessionAppend("a", (PLAIN,), expected)
    assert APPEND_SESSION.request.decode(APPEND_SESSION.request.encode(append)) == append


def test_an_expectation_left_out() -> None:
    """A session that expects nothing takes the stream as it is; revision 0 is something else."""
    message = APPEND_SESSION.request.encode(SessionAppend("a", (PLAIN,), 0))
    assert message.HasField("expected_revision")
    message.ClearField("expected_revision")
    assert APPEND_SESSION.request.decode(message).expected is ANY


RECORDS = st.builds(
    Record,
    id=st.uuids().filter(lambda id_: id_.int),
    type=st.from_regex(r"[a-zA-Z0-9_.$:-]+", fullmatch=True),
    data=st.binary(max_size=20),
    format=st.sampled_from(SchemaFormat),
    properties=st.dictionaries(
        st.text(max_size=5), st.text(max_size=5) | st.booleans() | st.none() | st.integers(0, 9)
    ),
    schema_id=st.none() | st.uuids(),
    stream=st.text(min_size=1, max_size=5),
)


@given(st.lists(RECORDS, min_size=1, max_size=3))
def test_round_trip(records: list[Record]) -> None:
    """What is asked for arrives as it was."""
    append = AppendRecords(tuple(records))
    message = pb.AppendRecordsRequest.FromString(APPEND_RECORDS.request.encode(append).SerializeToString())
    assert APPEND_RECORDS.request.decode(message) == append


def record(**changes: object) -> dict[str, Any]:
    """The fields of a record that a server takes, but for the changes."""
    return {"record_id": str(ONE), "schema": {"format": 1, "name": "T"}, "stream": "a", **changes}


def test_an_id_left_out() -> None:
    """A record without an id gets a new one."""
    message = pb.AppendRequest(stream="a", records=[record(record_id=""), record(record_id="")])
    first, second = APPEND_SESSION.request.decode(message).records
    assert first.id.version == 4
    assert first.id != second.id


@pytest.mark.parametrize("name", ["a:b-c_d.E$", "$metadata", "Straße", "日本語", "7"])
def test_types_that_servers_take(name: str) -> None:
    """A type is made of letters and digits of any script, and of six signs."""
    message = pb.AppendRequest(stream="a", records=[record(schema={"format": 1, "name": name})])
    assert APPEND_SESSION.request.decode(message).records[0].type == name


def test_types_are_normalised() -> None:
    """A letter with its accent apart is the same as in one piece."""
    message = pb.AppendRequest(stream="a", records=[record(schema={"format": 1, "name": "cafe\u0301"})])
    assert APPEND_SESSION.request.decode(message).records[0].type == "caf\u00e9"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"record_id": "nope"}, "the id 'nope' is not a UUID"),
        ({"record_id": str(UUID(int=0))}, "the record id is the nil UUID"),
        ({"schema": {"format": 1, "name": ""}}, "the schema name '' must be made of letters"),
        ({"schema": {"format": 1, "name": "My Event/v1"}}, "the schema name 'My Event/v1' must be made of letters"),
        ({"schema": {"format": 1, "name": "Straße.✓"}}, "the schema name 'Straße.✓' must be made of letters"),
        ({"schema": {"format": 1, "name": "T\n"}}, r"the schema name 'T\n' must be made of letters"),
        ({"schema": {"name": "T"}}, "the schema format 0 is unspecified"),
        ({"schema": {"format": 1, "name": "T", "id": "x"}}, "the id 'x' is not a UUID"),
    ],
)
def test_records_that_servers_refuse(changes: dict[str, object], says: str) -> None:
    """A record with a bad id, type or format is refused in both calls, by the name of what is wrong."""
    bad = record(**changes)
    for method, message in (
        (APPEND_SESSION, pb.AppendRequest(stream="a", records=[bad])),
        (APPEND_RECORDS, pb.AppendRecordsRequest(records=[record(), bad])),
    ):
        with pytest.raises(InvalidArgument) as refused:
            method.request.decode(message)
        assert says in str(refused.value)


def state(number: int, stream: str = "a") -> dict[str, Any]:
    """The fields of a check."""
    return {"stream_state": {"stream": stream, "expected_state": number}}


@pytest.mark.parametrize(
    ("method", "message", "says"),
    [
        (APPEND_SESSION, pb.AppendRequest(records=[record()]), "the stream name is empty"),
        (APPEND_SESSION, pb.AppendRequest(stream="a"), "the append to 'a' has no records"),
        (APPEND_SESSION, pb.AppendRequest(stream="a", records=[record()], expected_revision=-5), "state -5 must be"),
        (APPEND_RECORDS, pb.AppendRecordsRequest(), "the request has no records"),
        (APPEND_RECORDS, pb.AppendRecordsRequest(records=[record(stream="")]), f"record {ONE} has no stream"),
        (APPEND_RECORDS, pb.AppendRecordsRequest(records=[record()], checks=[{}]), "a check is empty"),
        (
            APPEND_RECORDS,
            pb.AppendRecordsRequest(records=[record()], checks=[state(-2)]),
            "the expected state -2 must be a revision or one of NO_STREAM (-1), STREAM_EXISTS (-4)",
        ),
        (
            APPEND_RECORDS,
            pb.AppendRecordsRequest(records=[record()], checks=[state(0), state(1)]),
            "a stream has more than one check",
        ),
    ],
)
def test_requests_that_servers_refuse(method: Method[Any, Any], message: Message, says: str) -> None:
    """A request that lacks something or expects what cannot be is refused, by the name of what is wrong."""
    with pytest.raises(InvalidArgument) as refused:
        method.request.decode(message)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (AppendRecords((PLAIN,)), f"record {ONE} has no stream: AppendRecords needs one in each record"),
        (AppendRecords((OF_A,), (Check("a", -1),)), "the revision -1 is out of bounds"),
        (AppendRecords((Record(ONE, "T", properties={"n": 2**60}, stream="a"),)), "1152921504606846976 does not fit"),
    ],
)
def test_appends_that_cannot_be(value: AppendRecords, says: str) -> None:
    """What a server would stumble over, or change without a word, is refused before it is sent."""
    with pytest.raises(InvalidArgument) as refused:
        APPEND_RECORDS.request.encode(value)
    assert says in str(refused.value)
