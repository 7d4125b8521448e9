"""A server starts whatever is stored: what can't be read is left out and named in the log, and the rest works."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from fastapi_esdb import Connection, NewEvent, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import Database, SqliteStorage
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY
from tests.support.waiting import PATIENCE

NESTED = b"[" * 100_000 + b"]" * 100_000
CONTENTS = [
    b"no JSON",
    b"null",
    b"[1]",
    b'"text"',
    b"{}",
    b"1e999",
    NESTED,
    b'{"query":5,"mode":"Continuous","enabled":"no","emitEnabled":0,"trackEmittedStreams":0,"epoch":"","version":null}',
    b'{"entries":[1,null,[],{"stream":"a","group":5},{"stream":"a"}]}',
    b'{"loginName":1,"fullName":[],"salt":"?","hash":null,"disabled":{},"groups":7}',
    b'{"$userStreamAcl":7,"$acl":{"$r":{}},"$maxCount":-1,"$tb":"x","$maxAge":1e400}',
    b'{"$v":"1:2:3:4","$s":{"a":Infinity}}',
]
STREAMS = [
    "$settings",
    "$$$settings",
    "$users",
    "$user-joe",
    "$persistentSubscriptionConfig",
    "$persistentsubscription-a::g-checkpoint",
    "$persistentsubscription-a::g-parked",
    "$$a",
    "$projections-$all",
    "$projections-p",
    "$projections-p-checkpoint",
    "$projections-$by_category",
    "$projections-$by_category-checkpoint",
    "$projections-p-emittedstreams",
    "$scavenges",
]
COUNT = "fromStream('a').when({$init: () => ({n: 0}), T(s, e) { s.n++ }})"


@asynccontextmanager
async def served(path: Path, login: str = "admin") -> AsyncIterator[Connection]:
    """A server with users on the file, and a connection of one of them."""
    async with EmbeddedServer(path=path, secure=True) as server:
        target = f"esdb://{login}:changeit@{server.address}?tls=false"
        async with connect(target) as esdb:
            await esdb.wait_connected(timeout=30)
            yield esdb


async def fill(path: Path) -> None:
    """Have users, a group that has read and a projection that has run in the file."""
    async with served(path) as esdb:
        await esdb.append("a", NewEvent("T", {}))
        await esdb.users.create("joe", "secret", full_name="Joe")
        await esdb.projections.create("p", COUNT)
        await consume_one(esdb, "a", "g")


async def consume_one(esdb: Connection, stream: str, group: str) -> None:
    """Make a group of a stream, and have it hand out its first event."""
    await esdb.persistent_subscriptions.create(stream, group, start=0)
    async with esdb.persistent_subscriptions.consume(stream, group) as consumer:
        event = await anext(aiter(consumer))
        assert event.type == "T"
        await consumer.ack(event)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with everything in it."""
    path = tmp_path_factory.mktemp("whole") / "events.db"
    asyncio.run(fill(path))
    return path


@pytest.fixture
def path(stored: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copy(stored, tmp_path / "events.db"))


TAMPERING = [
    "Object.prototype.toJSON = function () { return 1 }; fromAll()",
    "Object.prototype.toJSON = function () { return 1 }; fromStream('a')",
    "Array.prototype.toJSON = function () { return [1] }; fromStream('a').when({T: (s, e) => emit('b', 'T', {})})",
    "Array.prototype.toJSON = () => undefined; fromStream('a').when({T: (s, e) => emit('b', 'T', {})})",
    "Array.prototype.join = () => 'x'; fromStream('a')",
    "Array.prototype.push = function () { this[0] = {stream: 1} }; fromStream('a').when({T: () => emit('b', 'T', {})})",
    "Object.prototype.category = 5; Object.prototype.streams = 7; fromStream('a')",
    "String.prototype.toString = () => null; fromStream('a').partitionBy(e => e.eventType).when({})",
    "fromStream('a\\ud800')",
    "fromStream('a').when({T: () => emit('b\\ud800', 'T', {})})",
    "fromStream('a').when({T: () => emit('b', 'T\\udfff', {})})",
    "fromStream('a').when({T: () => linkTo('b\\ud800', {streamId: 'a', sequenceNumber: 0})})",
    "fromStream('a').partitionBy(e => 'p\\ud800').when({})",
    "fromStream('a').when({}).outputTo('r\\ud800')",
    "options({resultStreamName: 'r\\ud800'}); fromStream('a').when({T: () => ({n: 1})}).outputState()",
    "fromStream('a').when({T: () => { throw Object.create(null) }})",
    "fromStream('a').when({T: () => { let s = {}; s.s = s; return s }})",
    "Map.prototype.get = () => 5; fromStream('a').when({T: () => 1})",
]


@pytest.mark.parametrize("query", TAMPERING)
async def test_a_start_with_a_script_that_tampers(tmp_path: Path, query: str) -> None:
    """Whatever it does to what the engine is made of, it harms itself alone: writes, and the next start, work."""
    path = tmp_path / "events.db"
    for start in range(2):
        async with served(path) as esdb:
            if start == 0:
                await esdb.append("a", NewEvent("T", {}))
                await esdb.projections.create("tampering", query, emit_enabled=True)
            await settled(esdb, "tampering")
            assert (await esdb.append("other", NewEvent("T", {}))).revision == start


async def settled(esdb: Connection, name: str) -> None:
    """Wait until the projection has read what there is, or is faulted."""
    async with asyncio.timeout(PATIENCE):
        while True:
            [told] = [one for one in await esdb.projections.list() if one.name == name]
            if told.status.startswith("Faulted") or told.progress == 100:
                return
            await asyncio.sleep(0.01)


async def write(path: Path, stream: str, content: bytes) -> None:
    async with Database(SqliteStorage(path)) as database:
        await database.append(stream, ANY, [ProposedEvent(uuid4(), "T", content, content, JSON)])


async def require_working(esdb: Connection) -> None:
    """Appends and reads, new users, groups and projections work."""
    assert (await esdb.append("b", NewEvent("T", {}))).revision == 0
    assert [event.type async for event in esdb.read("a", limit=1)] == ["T"]
    await esdb.users.create("new", "secret", full_name="New")
    assert "new" in [user.login_name for user in await esdb.users.list()]
    await consume_one(esdb, "b", "new")
    await esdb.projections.create("new", COUNT)
    assert "new" in [projection.name for projection in await esdb.projections.list()]


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: content[:12].decode())
async def test_a_start_with_parts_that_can_not_be_read(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody wrote into every stream that the server keeps something of its own in."""
    for stream in STREAMS:
        await write(path, stream, content)
    async with served(path) as esdb:
        await require_working(esdb)
    told = "\n".join(record.message for record in caplog.records if record.levelname == "ERROR")
    assert "$persistentSubscriptionConfig" in told
    assert "the definition of projection 'p'" in told


async def test_a_start_with_streams_that_are_deleted(path: Path) -> None:
    """For good, with nobody to begin them anew."""
    async with Database(SqliteStorage(path)) as database:
        for stream in (one for one in STREAMS if not one.startswith("$$")):
            await database.tombstone(stream)
    async with served(path) as esdb:
        assert (await esdb.append("b", NewEvent("T", {}))).revision == 0


@pytest.mark.parametrize("content", [b"no JSON", NESTED], ids=["text", "nested"])
async def test_a_start_without_the_administrator(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The account can't be read, and is not made anew over what somebody wrote: the others work."""
    await write(path, "$user-admin", content)
    async with served(path, "ops") as esdb:
        assert (await esdb.append("b", NewEvent("T", {}))).revision == 0
    assert "the user admin can't be read in $user-admin" in caplog.text
