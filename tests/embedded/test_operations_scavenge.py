"""Scavenges of a server: what they do, tell, and how they are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb.embedded import scavenges as scavenge_module
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.embedded.store.pages import ScavengedPage
from fastapi_esdb.wire.admin.operations import (
    CURRENT_SCAVENGE,
    START_SCAVENGE,
    STOP_SCAVENGE,
    Scavenge,
    ScavengeResult,
    StartScavenge,
    StopScavenge,
)
from fastapi_esdb.wire.errors import AccessDenied, ScavengeNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.streams.methods import APPEND, DELETE, READ
from fastapi_esdb.wire.streams.values import AppendOptions, DeleteRequest, ReadRequest
from tests.embedded.secure import ADMIN, JANE, OPS, As, secured
from tests.support.bare_client import BareClient, connected, event
from tests.support.waiting import PATIENCE

STARTED, CHUNK, COMPLETED = "$scavengeStarted", "$scavengeChunksCompleted", "$scavengeCompleted"


async def start(client: BareClient, threads: int = 1, first_chunk: int = 0) -> Scavenge:
    [answer] = await client.call(START_SCAVENGE, StartScavenge(threads, first_chunk))
    return answer


async def progress(client: BareClient, scavenge: Scavenge) -> list[RecordedEvent]:
    """What the scavenge tells of itself, from its start to its end."""
    call = await client.subscribe(ReadRequest(f"$scavenges-{scavenge.scavenge_id}", subscribe=True))
    told: list[RecordedEvent] = []
    async for frame in call:
        if isinstance(frame, RecordedEvent):
            told.append(frame)
            if frame.type == COMPLETED:
                break
    call.cancel()
    return told


async def scavenged(client: BareClient, **options: Any) -> list[RecordedEvent]:
    """Scavenge to the end."""
    return await progress(client, await start(client, **options))


async def positions(client: BareClient) -> list[str]:
    """The streams of all events, but for those that scavenges write."""
    events = await client.read(ReadRequest(None))
    return [f"{one.stream}/{one.revision}" for one in events if "$scavenges" not in one.stream]


async def fill(client: BareClient) -> None:
    """A stream that is truncated to its last two events, one that is soft-deleted, one that is as it is."""
    for stream in ("a", "b", "c"):
        await client.write(stream, 4, data=b"x" * 1000)
    await client.append("$$a", event("$metadata", b'{"$maxCount":2}'))
    await client.call(DELETE, DeleteRequest("b"))


async def test_what_it_does(client: BareClient) -> None:
    """Hidden events go, of each stream at least the last one stays."""
    await fill(client)
    await scavenged(client)
    assert await positions(client) == ["a/2", "a/3", "b/3", "c/0", "c/1", "c/2", "c/3", "$$a/0", "$$b/0"]
    assert len(await client.read(ReadRequest("a"))) == 2


async def test_what_it_tells(server: EmbeddedServer, client: BareClient) -> None:
    """Its start, each chunk, its end, with its id and node; and where to find that."""
    await fill(client)
    scavenge = await start(client, threads=3)
    assert scavenge.result is ScavengeResult.STARTED
    assert str(UUID(scavenge.scavenge_id)) == scavenge.scavenge_id
    told = await progress(client, scavenge)
    assert [one.type for one in told] == [STARTED, CHUNK, COMPLETED]
    started, chunk, completed = (one.json() for one in told)
    for content in (started, chunk, completed):
        assert (content["scavengeId"], content["nodeEndpoint"]) == (scavenge.scavenge_id, server.address)
    assert (started["threads"], started["startFromChunk"]) == (3, 0)
    assert (chunk["chunkStartNumber"], chunk["chunkEndNumber"], chunk["wasScavenged"]) == (0, 0, True)
    assert chunk["spaceSaved"] == completed["spaceSaved"] > 5000
    assert (completed["result"], completed["error"]) == ("Success", "")
    links = await client.read(ReadRequest("$scavenges", resolve_links=True))
    assert [link.type for link in links] == [STARTED, COMPLETED]


async def test_nothing_to_do(client: BareClient) -> None:
    """Also a scavenge of an empty server comes to its end."""
    *_, completed = await scavenged(client)
    assert (completed.json()["result"], completed.json()["spaceSaved"]) == ("Success", 0)


async def test_a_second_one(client: BareClient) -> None:
    """One after the other is two; what earlier ones told stays."""
    await fill(client)
    first, second = await scavenged(client), await scavenged(client)
    assert first[0].stream != second[0].stream
    assert len(await client.read(ReadRequest("$scavenges"))) == 4


async def test_a_chunk_to_start_from(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunks before it are left alone."""
    monkeypatch.setattr(scavenge_module, "CHUNK_SIZE", 4096)
    await fill(client)
    told = await scavenged(client, first_chunk=1)
    chunks = [one.json()["chunkStartNumber"] for one in told if one.type == CHUNK]
    assert chunks == sorted(set(chunks))
    assert chunks[0] == 1
    left = await positions(client)
    assert {"a/0", "a/1", "b/3"} <= set(left)
    assert "b/0" not in left
    assert [one.type for one in await scavenged(client, first_chunk=99)] == [STARTED, COMPLETED]


async def test_the_file_shrinks(tmp_path: Path) -> None:
    """What was scavenged is given back."""
    async with EmbeddedServer(path=tmp_path / "events.db") as server, connected(server.address) as client:
        for _ in range(20):
            await client.write("a", 20, data=b"x" * 5000)
        await client.append("$$a", event("$metadata", b'{"$maxCount":1}'))
        before = _size(tmp_path)
        await scavenged(client)
        assert _size(tmp_path) < 200_000 < before
        assert (await client.write("a")).revision == 400


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


async def test_readers_while_it_runs(client: BareClient, server: EmbeddedServer) -> None:
    """A subscription goes on, from an event that is gone, too; writes go on."""
    await fill(client)
    call = await client.subscribe(ReadRequest(None, subscribe=True))
    [_, first, *_] = await call.take(10)
    assert isinstance(first, RecordedEvent)
    assert first.position
    scavenge = await start(client)
    written = [await client.write("d") for _ in range(20)]
    await progress(client, scavenge)
    assert [result.revision for result in written] == list(range(20))
    again = await client.subscribe(ReadRequest(None, first.position, subscribe=True))
    [_, following] = await again.take(2)
    assert isinstance(following, RecordedEvent)
    assert (following.stream, following.revision) == ("a", 2)


@asynccontextmanager
async def held(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """Scavenges stop at their first page until the event is set."""
    go_on = asyncio.Event()
    page = Database.scavenge

    async def wait(self: Database, start: Position, window: int = 1) -> ScavengedPage:
        await go_on.wait()
        return await page(self, start, window)

    monkeypatch.setattr(Database, "scavenge", wait)
    yield go_on
    go_on.set()


async def test_one_at_a_time(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts another one is told which one runs."""
    await fill(client)
    async with held(monkeypatch) as go_on:
        first, *others = await asyncio.gather(*(start(client) for _ in range(4)))
        answers = {one.result for one in (first, *others)}
        assert {one.scavenge_id for one in others} == {first.scavenge_id}
        assert answers == {ScavengeResult.STARTED, ScavengeResult.IN_PROGRESS}
        with pytest.raises(ScavengeNotFound) as missing:
            await client.call(STOP_SCAVENGE, StopScavenge("other"))
        assert missing.value.running == first.scavenge_id
        go_on.set()
        await progress(client, first)
    assert (await start(client)).result is ScavengeResult.STARTED


@pytest.mark.parametrize("by_id", [True, False])
async def test_stopping_it(client: BareClient, monkeypatch: pytest.MonkeyPatch, *, by_id: bool) -> None:
    """It ends soon, and says how; what it has done stays done."""
    await fill(client)
    async with held(monkeypatch) as go_on:
        running = await start(client)
        scavenge_id = running.scavenge_id if by_id else CURRENT_SCAVENGE
        [stopped] = await client.call(STOP_SCAVENGE, StopScavenge(scavenge_id))
        assert stopped == Scavenge(running.scavenge_id, ScavengeResult.STOPPED)
        go_on.set()
        *_, completed = await progress(client, running)
    assert completed.json()["result"] == "Stopped"
    assert "c/0" in await positions(client)


async def test_a_failure(client: BareClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is told, logged, and nothing to other calls; the next one works."""

    async def fail(*_: object) -> ScavengedPage:
        raise RuntimeError("a bug")

    await fill(client)
    with monkeypatch.context() as broken:
        broken.setattr(Database, "scavenge", fail)
        *_, completed = await scavenged(client)
    assert (completed.json()["result"], completed.json()["error"]) == ("Failed", "a bug")
    assert [record.exc_info for record in caplog.records if record.levelname == "ERROR"]
    *_, completed = await scavenged(client)
    assert completed.json()["result"] == "Success"


async def test_a_server_that_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does not wait for its scavenge; it comes back with all of its data."""
    path = tmp_path / "events.db"
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        await fill(client)
        async with held(monkeypatch), asyncio.timeout(PATIENCE):
            await start(client)
            await server.stop()
    monkeypatch.undo()
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        assert "a/0" in await positions(client)
        await scavenged(client)
        assert "a/0" not in await positions(client)


async def test_who_may_follow_it() -> None:
    """Operators may start it and read what it tells, other users may not."""
    async with secured() as client:
        with pytest.raises(AccessDenied):
            await client.call(START_SCAVENGE, StartScavenge(), metadata=JANE)
        ops = As(client, OPS)
        [scavenge] = await ops.call(START_SCAVENGE, StartScavenge())
        stream = f"$scavenges-{scavenge.scavenge_id}"
        assert await ops.call(READ, ReadRequest(stream))
        with pytest.raises(AccessDenied):
            await client.call(READ, ReadRequest(stream), metadata=JANE)
        with pytest.raises(AccessDenied):
            await ops.call(APPEND, AppendOptions(stream), event())
        assert await client.call(READ, ReadRequest(stream), metadata=ADMIN)
