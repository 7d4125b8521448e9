"""What one client can't do to the others: bounds of names, of what is not complete, of what projections emit."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.services import appends
from fastapi_esdb.embedded.store.metadata import MAX_METADATA
from fastapi_esdb.embedded.store.names import MAX_METASTREAMS, MAX_NAME
from fastapi_esdb.wire.errors import InvalidArgument, ServerBusy
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE
from fastapi_esdb.wire.projections import methods
from fastapi_esdb.wire.projections.values import (
    CreateProjection,
    DisableProjection,
    EnableProjection,
    StateRequest,
    StatisticsRequest,
)
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND
from fastapi_esdb.wire.streams.values import AppendOptions, AppendResult, BatchFragment, BatchOptions, ReadRequest
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import AppendRecords, Record, SchemaFormat, SessionAppend
from tests.embedded.consuming import Groups
from tests.embedded.watchdog import BOUND, watched
from tests.support.bare_client import BareClient, event
from tests.support.waiting import until

TOO_DEEP = "$" * 3000
MIB = 1024 * 1024


@pytest.mark.parametrize("name", [TOO_DEEP, "$$" * (MAX_METASTREAMS + 1) + "a", "a" * (MAX_NAME + 1)])
async def test_names_that_no_stream_can_have(client: BareClient, name: str) -> None:
    """Nothing is written to a stream with such a name, and a read of one finds nothing."""
    with pytest.raises(InvalidArgument, match="the stream name"):
        await client.append(name, event())
    assert await client.read(ReadRequest(name)) == []


async def test_names_that_go_as_far_as_they_can(client: BareClient) -> None:
    """Metadata of metadata has its bound, and long names have metadata, too."""
    for name in ("$$" * MAX_METASTREAMS + "a", "a" * MAX_NAME, "$$" + "ü" * (MAX_NAME // 2)):
        await client.write(name)
        assert len(await client.read(ReadRequest(name))) == 1


async def test_a_group_with_a_long_name(client: BareClient) -> None:
    """A group whose progress could be kept nowhere is refused."""
    with pytest.raises(InvalidArgument, match="the stream for the progress of the group 'ggg"):
        await Groups(client).create("a", "g" * 3 * MAX_NAME)


@pytest.mark.parametrize("name", [TOO_DEEP, "$" * 3_000_000, "a" * 3_000_000])
async def test_a_link_to_such_a_name(client: BareClient, name: str) -> None:
    """A link to what no stream can be called leads nowhere, and the stream that it is in can be read."""
    await client.append("links", event(LINK_TYPE, f"0@{name}".encode(), content_type=OCTET_STREAM), event())
    with watched() as watchdog:
        link, other = await client.read(ReadRequest("links", resolve_links=True))
    assert link.is_unresolved_link
    assert not other.is_unresolved_link
    assert watchdog.longest < BOUND


@pytest.mark.parametrize("stream", ["$$a", "$$$$a", "$settings"])
async def test_very_large_metadata(client: BareClient, stream: str) -> None:
    """Metadata that would take a second to be read is refused, that of a sensible size takes no time."""
    largest = _json_of(MAX_METADATA)
    for _ in range(2):
        with watched() as watchdog:
            await client.append(stream, event("$metadata", largest))
            await client.write("a")
            assert await client.read(ReadRequest("a"))
        assert watchdog.longest < BOUND
    with pytest.raises(InvalidArgument, match="262150 bytes"):
        await client.append(stream, event("$metadata", _json_of(MAX_METADATA + 6)))


def _json_of(size: int) -> bytes:
    """So many bytes of JSON that take as long to be read as any."""
    numbers = b",".join([b"1"] * ((size - 9) // 2))
    return b'{"a":[%b]}' % numbers.ljust(size - 8)


async def test_batches_without_end(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches that are not complete are refused when they are too much together; small ones go on."""
    monkeypatch.setattr(appends, "MAX_INCOMPLETE", 4 * MIB)
    call = client.open(BATCH_APPEND)
    for number in range(10):
        await call.send(_fragment(f"s-{number}", MIB, final=False))
    answers = await call.take(5)
    assert all(isinstance(answer.result, ServerBusy) for answer in answers)
    await call.send(_fragment("small", 10))
    while (answer := await anext(call)).stream != "small":
        pass
    assert isinstance(answer.result, AppendResult)


async def test_a_large_batch_beside_small_ones(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is larger than all others may have together comes to its end, and so do they."""
    monkeypatch.setattr(appends, "MAX_INCOMPLETE", 2 * MIB)
    call = client.open(BATCH_APPEND)
    large = _fragment("large", MIB, final=False)
    for number in range(4):
        await call.send(large, _fragment(f"small-{number}", 10))
    await call.send(BatchFragment(large.correlation_id, None, (event(),), final=True))
    answers = await call.take(5)
    assert sorted(answer.stream for answer in answers) == ["large", *(f"small-{number}" for number in range(4))]
    assert all(isinstance(answer.result, AppendResult) for answer in answers)


async def test_other_appends_without_end(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Appends in calls of their own, of either API, count as well, until they are complete or given up."""
    monkeypatch.setattr(appends, "MAX_INCOMPLETE", 2 * MIB)
    record = Record(uuid4(), "T", bytes(MIB), SchemaFormat.BYTES)
    sessions = [client.open(APPEND_SESSION) for _ in range(3)]
    for number, session in enumerate(sessions):
        await session.send(SessionAppend(f"s-{number}", (record,)))
        await asyncio.sleep(0.05)
    call = client.open(APPEND)
    await call.send(AppendOptions("a", ANY), event(data=bytes(MIB)))
    with pytest.raises(ServerBusy):
        await anext(call)
    for session in sessions:
        session.cancel()
    await eventually_written(client)


async def eventually_written(client: BareClient) -> None:
    """What was given up makes room."""
    written: list[object] = []

    async def write() -> None:
        while not written:
            try:
                written.append(await client.append("a", event(data=bytes(MIB))))
            except ServerBusy:
                await asyncio.sleep(0.01)

    task = asyncio.create_task(write())
    await until(lambda: bool(written))
    await task


async def test_a_large_emission(client: BareClient) -> None:
    """What one event makes a projection emit, however many events, is written in slices, and all of it."""
    source = "fromStream('a').when({T(s, e) { for (let n = 0; n < 5000; n++) emit('out', 'E', {n}) }})"
    await client.call(methods.CREATE_PROJECTION, CreateProjection(source, "p", emit_enabled=True))
    call = await client.subscribe(ReadRequest("out", subscribe=True))
    await call.take(2)
    with watched() as watchdog:
        await client.write("a")
        emitted = await call.take(5000)
    assert json.loads(emitted[-1].data) == {"n": 4999}  # type: ignore[union-attr]
    assert watchdog.longest < BOUND


async def test_an_emission_that_is_too_large(client: BareClient) -> None:
    """A projection that emits more for one event than there is room for is faulted, and says why."""
    source = "fromStream('a').when({T(s, e) { for (let n = 0; n < 20; n++) emit('out', 'E', {x: 'x'.repeat(1e6)}) }})"
    await client.call(methods.CREATE_PROJECTION, CreateProjection(source, "p", emit_enabled=True))
    await client.write("a")
    reason = ""
    async with asyncio.timeout(20):
        while not reason:
            [told] = await client.call(methods.PROJECTION_STATISTICS, StatisticsRequest("p"))
            reason = told.state_reason
            await asyncio.sleep(0.02)
    assert "characters for one event: they may be 16777216" in reason


async def test_a_large_state(client: BareClient) -> None:
    """A state that takes long to be told keeps nobody waiting."""
    source = "fromStream('a').when({T(s, e) { s.list = Array.from({length: 50000}, (_, n) => ({n})) }})"
    await client.call(methods.CREATE_PROJECTION, CreateProjection(source, "p"))
    await client.write("a")
    with watched() as watchdog:
        await eventually_counted(client)
    assert watchdog.longest < BOUND


async def eventually_counted(client: BareClient) -> None:
    async with asyncio.timeout(20):
        raw = b""
        while len(raw) < 100_000:
            call = client.open(methods.PROJECTION_STATE)
            await call.send(StateRequest("p"))
            await call.done_sending()
            raw = await call.raw.read()


def _fragment(stream: str, size: int, *, final: bool = True) -> BatchFragment:
    return BatchFragment(uuid4(), BatchOptions(stream, ANY), (event(data=bytes(size)),), final=final)


async def test_very_many_partitions(client: BareClient) -> None:
    """A projection with a state for each of very many streams stops and starts in slices."""
    source = "fromAll().foreachStream().when({$init: () => ({n: 0}), T(s, e) { s.n++ }})"
    records = [Record(uuid4(), "T", b"{}", stream=f"s-{number}") for number in range(1500)]
    await client.call(APPEND_RECORDS, AppendRecords(tuple(records)))
    await client.call(methods.CREATE_PROJECTION, CreateProjection(source, "p"))
    await eventually_all_handled(client, len(records))
    with watched() as watchdog:
        await client.call(methods.DISABLE_PROJECTION, DisableProjection("p", write_checkpoint=True))
        await client.call(methods.ENABLE_PROJECTION, EnableProjection("p"))
        [state] = await client.call(methods.PROJECTION_STATE, StateRequest("p", "s-1499"))
    assert state == {"n": 1}
    assert watchdog.longest < BOUND


async def eventually_all_handled(client: BareClient, count: int) -> None:
    async with asyncio.timeout(40):
        handled = 0
        while handled < count:
            [told] = await client.call(methods.PROJECTION_STATISTICS, StatisticsRequest("p"))
            handled = told.events_processed_after_restart
            await asyncio.sleep(0.02)
