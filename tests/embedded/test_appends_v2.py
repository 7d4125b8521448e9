"""Appends to several streams through the v2 API (protocol 9)."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import grpc
import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConsistencyViolation,
    EsdbError,
    FieldViolation,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    NotAuthenticated,
    SessionRefused,
    StreamDeleted,
    Violation,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.proto.v2 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.status.rich_details import IN_SESSION, NO_REQUESTS, RICH_STATUS
from fastapi_esdb.wire.streams.methods import DELETE, TOMBSTONE
from fastapi_esdb.wire.streams.values import DeleteRequest, ReadRequest
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
from tests.embedded.secure import ADMIN, secured, shown
from tests.support.bare_client import BareClient, connected, event
from tests.support.waiting import PATIENCE


def record(data: bytes = b"{}", stream: str = "", **changes: object) -> Record:
    return Record(uuid4(), "T", data, stream=stream, **changes)  # type: ignore[arg-type] # fields by name


async def session(client: BareClient, *appends: SessionAppend) -> StreamsAppended:
    [answer] = await client.call(APPEND_SESSION, *appends)
    return answer


async def records(client: BareClient, *several: Record, checks: tuple[Check, ...] = ()) -> StreamsAppended:
    [answer] = await client.call(APPEND_RECORDS, AppendRecords(several, checks))
    return answer


async def revisions(client: BareClient, stream: str) -> list[int]:
    return [event.revision for event in await client.read(ReadRequest(stream))]


async def test_a_session(client: BareClient) -> None:
    """Appends to several streams at once; the position is that of the last record."""
    answer = await session(client, SessionAppend("a", (record(), record()), NO_STREAM), SessionAppend("b", (record(),)))
    assert answer.revisions == {"a": 1, "b": 0}
    [last] = await client.read(ReadRequest("b"))
    assert answer.position == last.position


async def test_records_of_several_streams(client: BareClient) -> None:
    """Stand in the log in the order of the request."""
    answer = await records(client, record(stream="a"), record(stream="b"), record(stream="a"))
    assert answer.revisions == {"a": 1, "b": 0}
    found = await client.read(ReadRequest(None))
    assert [(one.stream, one.revision) for one in found] == [("a", 0), ("b", 0), ("a", 1)]


@pytest.mark.parametrize(
    ("encoding", "name", "content_type"),
    [
        (SchemaFormat.JSON, "Json", JSON),
        (SchemaFormat.BYTES, "Bytes", OCTET_STREAM),
        (SchemaFormat.PROTOBUF, "Protobuf", OCTET_STREAM),
        (SchemaFormat.AVRO, "Avro", OCTET_STREAM),
    ],
)
async def test_what_readers_see(client: BareClient, encoding: SchemaFormat, name: str, content_type: str) -> None:
    """The type, the data as it was, and metadata made of the properties and of the schema."""
    properties = {"s": "x", "n": 1, "l": [1.5, None], "$correlationId": "c", "$schema.name": "other"}
    schema = UUID(int=7)
    await records(client, record(b"\x00\xff", "a", format=encoding, properties=properties, schema_id=schema))
    [found] = await client.read(ReadRequest("a"))
    assert (found.type, found.data, found.content_type) == ("T", b"\x00\xff", content_type)
    schema_keys = {"$schema.name": "T", "$schema.format": name, "$schema.id": str(schema)}
    assert found.json_metadata() == {**properties, **schema_keys}


@pytest.mark.parametrize(
    ("expected", "actual"),
    [(NO_STREAM, 1), (0, 1), (7, 1)],
)
async def test_a_session_in_conflict(client: BareClient, expected: Expected, actual: int) -> None:
    """Names the first stream that is elsewhere; nothing is written to any of them."""
    await client.write("a", 2)
    await client.write("b", 2)
    with pytest.raises(WrongExpectedRevision) as conflict:
        await session(
            client,
            SessionAppend("new", (record(),)),
            SessionAppend("a", (record(),), expected),
            SessionAppend("b", (record(),), expected),
        )
    told = conflict.value
    assert (told.stream, told.expected, told.actual) == ("a", expected, actual)
    assert not await client.read(ReadRequest("new"))


async def test_a_session_with_a_missing_stream(client: BareClient) -> None:
    """One that is to exist is a conflict, too."""
    with pytest.raises(WrongExpectedRevision) as conflict:
        await session(client, SessionAppend("a", (record(),), STREAM_EXISTS))
    assert (conflict.value.expected, conflict.value.actual) == (STREAM_EXISTS, NO_STREAM)


async def test_a_session_with_deleted_streams(client: BareClient) -> None:
    """A soft-deleted stream comes back, unless it is to exist; a tombstoned one does not."""
    await client.write("soft", 2)
    await client.call(DELETE, DeleteRequest("soft"))
    await client.call(TOMBSTONE, DeleteRequest("gone"))
    for stream, expected in (("soft", STREAM_EXISTS), ("gone", ANY), ("gone", NO_STREAM)):
        with pytest.raises(StreamDeleted, match=stream):
            await session(client, SessionAppend(stream, (record(),), expected))
    with pytest.raises(WrongExpectedRevision) as conflict:
        await session(client, SessionAppend("soft", (record(),), 0))
    assert conflict.value.actual == 1
    assert (await session(client, SessionAppend("soft", (record(),), NO_STREAM))).revisions == {"soft": 2}
    assert await revisions(client, "soft") == [2]


async def test_a_stream_twice_in_a_session(client: BareClient) -> None:
    """Is refused, whatever its letters' case; nothing is written."""
    for again in ("Orders", "orders"):
        with pytest.raises(SessionRefused) as refused:
            await session(client, SessionAppend("Orders", (record(),)), SessionAppend(again, (record(),)))
        assert (refused.value.reason, refused.value.stream) == (IN_SESSION, again)
    assert not await client.read(ReadRequest("Orders"))


async def test_a_session_without_appends(client: BareClient) -> None:
    """Is refused."""
    with pytest.raises(SessionRefused) as refused:
        await session(client)
    assert refused.value.reason == NO_REQUESTS


async def test_all_failed_checks_are_told(client: BareClient) -> None:
    """With their places and the states of the streams."""
    await client.write("a", 2)
    checks = (Check("a", 1), Check("b", 0), Check("a2", NO_STREAM), Check("c", DeletedState.SOFT_DELETED))
    with pytest.raises(ConsistencyViolation) as refused:
        await records(client, record(stream="new"), checks=checks)
    assert refused.value.violations == (Violation(1, "b", 0, -1), Violation(3, "c", -5, -1))
    assert not await client.read(ReadRequest("new"))
    await client.write("b")
    assert (await records(client, record(stream="new"), checks=checks[:3])).revisions == {"new": 0}


async def test_a_repeat_in_another_order(server: EmbeddedServer, client: BareClient) -> None:
    """Is never answered, as by a real server, and nothing is written; the server stops all the same."""
    first, second, third = record(stream="a"), record(stream="a"), record(stream="a")
    await records(client, first, second)
    await records(client, third)
    silent = client.open(APPEND_RECORDS)
    await silent.send(AppendRecords((third, first)))
    await silent.done_sending()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await anext(silent)
    assert (await records(client, second, first)).revisions == {"a": 0}
    assert await revisions(client, "a") == [0, 1, 2]
    call = client.open(APPEND_SESSION)
    await call.send(SessionAppend("a", (third, second, first)))
    await call.done_sending()
    await call.raw.initial_metadata()
    async with asyncio.timeout(PATIENCE):
        await server.stop()


@pytest.mark.parametrize("times", [2, 3])
async def test_repeats(client: BareClient, times: int) -> None:
    """The same records again are written once, in both calls."""
    one, two = record(stream="a"), record(stream="b")
    answers = [await records(client, one, two, checks=(Check("a", NO_STREAM),)) for _ in range(times)]
    append = SessionAppend("c", (record(),), NO_STREAM)
    answers += [await session(client, append) for _ in range(times)]
    assert len({answer.position for answer in answers}) == 2
    assert [await revisions(client, stream) for stream in ("a", "b", "c")] == [[0], [0], [0]]


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.AppendRecordsRequest(), ["Records"]),
        (pb.AppendRecordsRequest(records=[{"schema": {"format": 1, "name": ""}, "stream": "a"}]), ["Schema.Name"] * 2),
        (pb.AppendRecordsRequest(records=[{"schema": {"name": "T"}, "stream": "a"}]), ["Schema.Format.Schema format"]),
    ],
)
async def test_requests_that_are_wrong(
    client: BareClient, request_: pb.AppendRecordsRequest, fields: list[str]
) -> None:
    """The fields at fault are named."""
    call = client.open(APPEND_RECORDS)
    await call.raw.write(request_.SerializeToString())
    await call.done_sending()
    with pytest.raises(InvalidArgument) as refused:
        await call.all()
    assert [violation.field for violation in refused.value.violations] == fields
    assert all(isinstance(violation, FieldViolation) for violation in refused.value.violations)


async def test_sizes() -> None:
    """An append has the same limit as in the first API, in both calls, and while it arrives."""
    async with EmbeddedServer(max_append_size=1000) as server, connected(server.address) as client:
        large = record(b"x" * 600, "a")
        with pytest.raises(MaximumAppendSizeExceeded) as refused:
            await records(client, large, record(b"x" * 600, "b"))
        assert refused.value.maximum == 1000
        appends = [SessionAppend(stream, (large,)) for stream in ("a", "b", "c")]
        with pytest.raises(MaximumAppendSizeExceeded):
            await session(client, *appends)
        assert not await client.read(ReadRequest("a"))


@pytest.mark.parametrize(("user", "error"), [([], AccessDenied), (shown("admin", "wrong"), NotAuthenticated)])
async def test_who_may_not(user: list[tuple[str, str]], error: type[EsdbError]) -> None:
    """Callers without the right are told so in the way of this API."""
    async with secured() as client:
        with pytest.raises(error) as refused:
            await client.call(APPEND_RECORDS, AppendRecords((record(stream="a"),)), metadata=user)
        assert await client.call(APPEND_RECORDS, AppendRecords((record(stream="a"),)), metadata=ADMIN)
    cause = refused.value.__cause__
    assert isinstance(cause, grpc.aio.AioRpcError)
    trailers = dict(cause.trailing_metadata() or ())
    assert "exception" not in trailers
    assert (RICH_STATUS in trailers) == (error is AccessDenied)


async def test_at_the_same_time(client: BareClient) -> None:
    """Two streams that are always written together never differ."""

    async def both(expected: Expected) -> bool:
        checks = (Check("a", expected), Check("b", expected))
        try:
            await records(client, record(stream="a"), record(stream="b"), checks=checks)
        except ConsistencyViolation:
            return False
        return True

    for number in range(5):
        outcomes = await asyncio.gather(*(both(number - 1 if number else NO_STREAM) for _ in range(6)))
        assert sum(outcomes) == 1
    assert await revisions(client, "a") == await revisions(client, "b") == list(range(5))


async def test_subscribers_see_all_of_it(client: BareClient) -> None:
    """An append to several streams wakes the readers of each."""
    calls = [await client.subscribe(ReadRequest(stream, subscribe=True)) for stream in ("a", "b", None)]
    for call in calls:
        await call.take(2)
    await records(client, record(stream="a"), record(stream="b"))
    await client.append("c", event())
    assert [len(await call.take(count)) for call, count in zip(calls, (1, 1, 3), strict=True)] == [1, 1, 3]
