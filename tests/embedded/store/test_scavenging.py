"""Scavenging: what no read of its stream shows any more goes, everything else stays as and where it is."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from fastapi_esdb.embedded.store import Database, SqliteStorage, Storage, StorageFailed
from fastapi_esdb.embedded.store.sqlite import SqliteFile
from fastapi_esdb.wire.errors import InvalidArgument, ServerNotReady, StreamDeleted, WrongExpectedRevision
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, Position
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, NO_STREAM
from tests.embedded.store.support import (
    Clock,
    event,
    events,
    is_there,
    link,
    read,
    read_back,
    read_whole,
    revisions,
    set_metadata,
    shown,
)


async def scavenge(database: Database, window: int = 1024) -> int:
    """Go through the whole log; how many records went."""
    position, removed = Position(0, 0), 0
    while database.last_position and position < database.last_position:
        page = await database.scavenge(position, window)
        position, removed = page.next, removed + page.removed
    await database.append("last", ANY, events(1))
    return removed


def left(database: Database, stream: str) -> list[int]:
    """The revisions of a stream that `$all` shows, hidden or not."""
    return [revision for name, revision in shown(database) if name == stream]


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"max_count": 2}, [3, 4]),
        ({"max_count": 9}, [0, 1, 2, 3, 4]),
        ({"truncate_before": 3}, [3, 4]),
        ({"truncate_before": 99}, [4]),
        ({"truncate_before": MAX_REVISION}, [4]),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
async def test_what_the_metadata_hides(database: Database, metadata: dict[str, object], kept: list[int]) -> None:
    """Goes from `$all` too, but for the last event: the stream goes on behind it."""
    await database.append("a", ANY, events(5))
    await set_metadata(database, "a", **metadata)
    before = read_or_nothing(database, "a")
    assert await scavenge(database) == 5 - len(kept)
    assert left(database, "a") == kept
    assert read_or_nothing(database, "a") == before
    assert (await database.append("a", 4, events(1))).revision == 5


def read_or_nothing(database: Database, stream: str) -> list[int]:
    return read(database, stream) if is_there(database, stream) else []


async def test_what_has_expired(database: Database, clock: Clock) -> None:
    """Goes when it is too old at that moment."""
    await set_metadata(database, "a", max_age=60)
    for _ in range(4):
        await database.append("a", ANY, events(1))
        clock.move(25)
    assert read(database, "a") == [2, 3]
    assert await scavenge(database) == 2
    assert left(database, "a") == [2, 3]


async def test_old_metadata(database: Database) -> None:
    """Of a metastream the last event stays."""
    for count in range(1, 4):
        await set_metadata(database, "a", max_count=count)
    assert await scavenge(database) == 2
    assert left(database, "$$a") == [2]
    assert database.metadata("a").max_count == 3


async def test_a_tombstoned_stream(database: Database) -> None:
    """Only the tombstone stays, of the stream and of its metadata."""
    await database.append("a", ANY, events(3))
    await set_metadata(database, "a", max_count=5)
    await database.tombstone("a")
    assert await scavenge(database) == 4
    assert [one for one in shown(database) if one[0] != "last"] == [("a", MAX_REVISION)]
    with pytest.raises(StreamDeleted):
        database.read_stream("a")
    with pytest.raises(StreamDeleted):
        await database.append("a", ANY, events(1))
    assert database.stream_info("a").is_tombstoned


async def test_a_soft_deleted_stream_comes_back(database: Database) -> None:
    """Behind the revisions that it had, whatever became of their events."""
    await database.append("a", ANY, events(3))
    await database.delete("a")
    await scavenge(database)
    assert (await database.append("a", NO_STREAM, events(2))).revision == 4
    assert (read(database, "a"), read_back(database, "a")) == ([3, 4], [4, 3])


async def test_what_is_scavenged_does_not_come_back(database: Database) -> None:
    """When the metadata hides less than before, what is still there shows again."""
    await database.append("a", ANY, events(6))
    await set_metadata(database, "a", max_count=2)
    await scavenge(database)
    await set_metadata(database, "a")
    assert (read(database, "a"), read_back(database, "a")) == ([4, 5], [5, 4])
    assert database.stream_info("a").first == 4
    assert read(database, "a", start=1, limit=2) == []
    assert database.read_stream("a", 1, limit=2).next == 4
    assert read(database, "a", start=3, limit=1) == []


async def test_the_newest_record_stays(database: Database) -> None:
    """It tells where the log ends: no position is ever given twice."""
    await set_metadata(database, "a", max_count=1)
    await set_metadata(database, "a", max_count=2)
    end = database.end
    page = await database.scavenge(Position(0, 0))
    assert (page.removed, page.next) == (1, database.last_position)
    assert (await database.scavenge(page.next)).removed == 0
    assert database.end == end


async def test_positions_that_were_scavenged(database: Database) -> None:
    """One can still be read on from: it stands for the next record that is left, or for the one before it."""
    await database.append("a", ANY, events(4))
    await database.append("b", ANY, events(1))
    gone = [record.position for record in database.read_all().records[:3]]
    await set_metadata(database, "a", max_count=1)
    await scavenge(database)
    for position in gone:
        assert position
        found = database.read_all(position).records
        assert [(record.stream, record.revision) for record in found[:2]] == [("a", 3), ("b", 0)]
        assert not database.read_all(position, BACKWARDS).records
        assert database.after(position) == found[0].position


async def test_positions_that_never_were(database: Database) -> None:
    """Are no positions to read from, scavenged or not."""
    await database.append("a", ANY, events(4))
    await set_metadata(database, "a", max_count=3)
    await scavenge(database)
    [*_, last] = database.read_all().records
    assert last.position
    for commit in (1, last.position.commit + 1, database.end.commit + 1):
        with pytest.raises(InvalidArgument):
            database.read_all(Position(commit, commit), BACKWARDS)


async def test_repeats_of_scavenged_events(database: Database) -> None:
    """The server does not know them any more: they are new ones, or a wrong revision."""
    old = events(3)
    await database.append("a", NO_STREAM, old)
    await database.append("a", 2, events(2))
    await set_metadata(database, "a", max_count=1)
    await scavenge(database)
    with pytest.raises(WrongExpectedRevision):
        await database.append("a", NO_STREAM, old)
    with pytest.raises(WrongExpectedRevision):
        await database.append("a", 1, old[2:])
    assert (await database.append("a", ANY, old)).revision == 7


async def test_links_to_scavenged_events(database: Database) -> None:
    """Lead nowhere."""
    await database.append("a", ANY, events(3))
    await database.append("links", ANY, [link(0, "a"), link(2, "a")])
    await set_metadata(database, "a", max_count=1)
    await scavenge(database)
    resolved = [database.resolve(record) for record in database.read_stream("links").records]
    assert [record.is_unresolved_link for record in resolved] == [True, False]


async def test_a_later_scavenge_goes_on(database: Database) -> None:
    """What has been hidden since goes, too."""
    await database.append("a", ANY, events(3))
    await set_metadata(database, "a", max_count=2)
    assert await scavenge(database) == 1
    await database.append("a", ANY, events(3))
    assert await scavenge(database) == 3
    assert left(database, "a") == [4, 5]


async def test_a_scavenge_of_a_part(database: Database) -> None:
    """A stream goes from its beginning on: where that is left alone, the rest of it stays, too."""
    await database.append("a", ANY, events(2))
    [_, second] = database.read_all().records
    await database.append("b", ANY, events(2))
    await set_metadata(database, "a", truncate_before=2)
    await set_metadata(database, "b", truncate_before=2)
    assert second.position
    page = await database.scavenge(second.position)
    assert page.removed == 1
    assert (left(database, "a"), left(database, "b")) == ([0, 1], [1])


async def test_what_it_tells_of_space(database: Database) -> None:
    """About the bytes that the records took."""
    await database.append("a", ANY, [event(data=b"x" * 5000) for _ in range(3)])
    await set_metadata(database, "a", max_count=1)
    page = await database.scavenge(Position(0, 0))
    assert 10_000 < page.freed < 11_000


async def test_counts(database: Database) -> None:
    """Records that are gone are not counted."""
    await database.append("a", ANY, events(5))
    await set_metadata(database, "a", max_count=1)
    assert (database.counts().records, database.counts().streams) == (6, 2)
    await scavenge(database)
    assert (database.counts().records, database.counts().streams) == (3, 3)


def everything(database: Database, streams: list[str]) -> dict[str, tuple[RecordedEvent, ...]]:
    """What reads of the streams show."""
    readable = [stream for stream in streams if is_there(database, stream)]
    return {stream: database.read_stream(stream, limit=1024).records for stream in readable}


@pytest.mark.parametrize("seed", range(5))
async def test_reads_of_streams_stay_as_they_are(seed: int, storage: Storage, clock: Clock) -> None:
    """Whatever was written, and in whatever pieces it is scavenged; and after a restart too."""
    choose = random.Random(seed)
    streams = [f"s-{number}" for number in range(6)]
    async with Database(storage, clock=clock) as database:
        for _ in range(120):
            await write_something(database, choose, choose.choice(streams))
            clock.move(1)
        for _ in range(2):
            before, log = everything(database, streams), database.read_all(limit=1024).records
            await scavenge(database, window=choose.choice([1, 7, 1024]))
            assert everything(database, streams) == before
            kept = database.read_all(limit=1024).records[:-1]
            assert [record for record in log if record in kept] == list(kept)
        await database.shrink()
        last, infos = shown(database), [database.stream_info(stream) for stream in streams]
    async with Database(storage, clock=clock) as database:
        assert everything(database, streams) == before
        assert shown(database) == last
        assert [database.stream_info(stream) for stream in streams] == infos
        for stream in streams:
            await database.append(stream, database.stream_info(stream).last or ANY, events(1))


async def write_something(database: Database, choose: random.Random, stream: str) -> None:
    kind = choose.randrange(10)
    if kind == 0:
        await set_metadata(database, stream, max_count=choose.randint(1, 4))
    elif kind == 1:
        await set_metadata(database, stream, max_age=choose.randint(5, 30))
    elif kind == 2:
        await set_metadata(database, stream, truncate_before=choose.randint(0, 12))
    elif kind == 3 and database.stream_info(stream).last is not None:
        await database.delete(stream)
    else:
        await database.append(stream, ANY, events(choose.randint(1, 3)))


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


async def test_the_file_shrinks(tmp_path: Path, clock: Clock) -> None:
    """What was scavenged is given back to the system."""
    path = tmp_path / "store.db"
    async with Database(SqliteStorage(path), clock=clock) as database:
        for _ in range(20):
            await database.append("a", ANY, [event(data=b"x" * 5000) for _ in range(10)])
        await set_metadata(database, "a", max_count=1)
        await scavenge(database)
        await database.append("b", ANY, events(1))
        await database.shrink()
        assert size_of(tmp_path) < 100_000
        assert (read_back(database, "a"), read(database, "b")) == ([199], [0])


async def test_old_events_beside_scavenged_ones(tmp_path: Path, clock: Clock) -> None:
    """What is no longer at hand in memory is found in the file."""
    storage = SqliteStorage(tmp_path / "store.db")
    async with Database(storage, clock=clock) as database:
        await database.append("a", ANY, [event(data=b"x" * 100_000) for _ in range(200)])
        await set_metadata(database, "a", max_count=150)
        await scavenge(database)
        assert revisions(read_whole(database, "a")) == list(range(50, 200))
    async with Database(storage, clock=clock) as database:
        assert revisions(read_whole(database, "a")) == list(range(50, 200))
        newest = revisions(database.read_stream("a", END, BACKWARDS, 1024).records)
        assert newest == list(range(199, 199 - len(newest), -1))


async def test_a_disk_that_fails(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scavenge fails, and nothing else: writes go on, and the file has everything that it should."""

    def fail(*_: object) -> None:
        raise StorageFailed("store.db", "it can't be written: full")

    storage = SqliteStorage(tmp_path / "store.db")
    async with Database(storage, clock=clock) as database:
        await database.append("a", ANY, events(3))
        await set_metadata(database, "a", max_count=1)
        with monkeypatch.context() as patched:
            patched.setattr(SqliteFile, "delete", fail)
            with pytest.raises(StorageFailed):
                await scavenge(database)
        await database.append("a", 2, events(1))
        assert read(database, "a") == [3]
    async with Database(storage, clock=clock) as database:
        assert read(database, "a") == [3]
        assert await scavenge(database) == 3


async def test_errors_of_the_disk_name_the_file(tmp_path: Path) -> None:
    """They say what could not be done."""
    path = tmp_path / "store.db"
    file = SqliteFile(str(path))
    holder = sqlite3.connect(path)
    holder.execute("BEGIN IMMEDIATE")
    file._writer.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(StorageFailed, match=r"store\.db: it can't be written"):
        file.shrink()
    with pytest.raises(StorageFailed, match=r"store\.db: it can't be written"):
        file.delete([1])
    holder.close()
    file.close()


async def test_a_database_that_is_closed(clock: Clock, storage: Storage) -> None:
    """Scavenges nothing."""
    async with Database(storage, clock=clock) as database:
        pass
    with pytest.raises(ServerNotReady):
        await database.scavenge(Position(0, 0))
    with pytest.raises(ServerNotReady):
        await database.shrink()
