"""What is on disk: after a kill, while a flush runs, when the disk fails."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fastapi_esdb.embedded.store import Database, MemoryStorage, SqliteStorage
from fastapi_esdb.embedded.store.storage import NotStored
from fastapi_esdb.wire.errors import StreamNotFound, WriteFailed
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from tests.embedded.store.appender import BATCH
from tests.embedded.store.support import Clock, event, events, link, read, read_whole, set_metadata, settle, shown

ROOT = Path(__file__).parents[3]

PROMPT = 30
"""Seconds that nothing here takes."""


class GatedStorage(SqliteStorage):
    """A store on a disk that takes its time: no flush ends before the gate is open."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = threading.Event()
        self.reached = threading.Event()
        self.flushes = 0

    def flush(self) -> None:
        super().flush()
        self.flushes += 1
        self.pass_gate()

    def pass_gate(self) -> None:
        self.reached.set()
        assert self.gate.wait(PROMPT)

    async def wait_reached(self) -> None:
        """Return when a flush stands before the gate, and everybody else waits for it."""
        assert await asyncio.to_thread(self.reached.wait, PROMPT)
        await settle()


class SlowToFail(GatedStorage):
    """A store whose flushes fail late, if the test says so."""

    is_slow = False

    def pass_gate(self) -> None:
        """Flushes that end well pass."""

    def flush(self) -> None:
        try:
            super().flush()
        except NotStored:
            assert self.is_slow
            GatedStorage.pass_gate(self)
            raise


class Disk:
    """The connections to the files that were opened since, to fill the disk that they are on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._connections: list[sqlite3.Connection] = []
        connect = sqlite3.connect

        def opened(path: str, check_same_thread: bool) -> sqlite3.Connection:
            self._connections.append(connect(path, check_same_thread=check_same_thread))
            return self._connections[-1]

        monkeypatch.setattr(sqlite3, "connect", opened)

    def fill(self) -> None:
        """Leave no room for another page, which SQLite tells as it does of a full disk."""
        self._limit(1)

    def make_room(self) -> None:
        self._limit(1_000_000)

    def _limit(self, pages: int) -> None:
        for connection in self._connections:
            connection.execute(f"PRAGMA max_page_count = {pages}")


def large(count: int) -> list[ProposedEvent]:
    """Events that don't fit into what is left of the last page."""
    return [event(data=bytes(20_000)) for _ in range(count)]


def run_until_killed(path: Path, acknowledgements: int) -> dict[str, int]:
    """The last acknowledged revision of each stream, of a process that was killed after so many of them."""
    command = [sys.executable, "-m", "tests.embedded.store.appender", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(acknowledgements)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    complete = [line.split() for line in lines if line.endswith(b"\n")]
    return {stream.decode(): int(revision) for stream, revision in complete}


def all_records(database: Database) -> list[RecordedEvent]:
    page = database.read_all(limit=1024)
    records = list(page.records)
    while not page.is_end:
        page = database.read_all(page.next, limit=1024)
        records += page.records
    return records


async def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Ten times on one file: all acknowledged events are there, in order, and no append in part."""
    for cycle in range(10):
        acknowledged = run_until_killed(tmp_path / "store.db", 5 + 6 * cycle)
        async with Database(SqliteStorage(tmp_path / "store.db")) as database:
            counts: dict[str, int] = {}
            for record in all_records(database):
                assert record.revision == counts.get(record.stream, 0)
                assert record.data == b"%d" % (record.revision % BATCH)
                counts[record.stream] = record.revision + 1
        assert all(counts[stream] > revision for stream, revision in acknowledged.items())
        assert all(count % BATCH == 0 for count in counts.values())


async def test_a_restart_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    """A database on disk, opened again, answers as one in memory that was never closed, but for the ids it knows."""
    path = tmp_path / "store.db"
    batch = events(3)

    async def before(database: Database) -> None:
        await database.append("a", ANY, batch)
        await set_metadata(database, "a", max_count=2)
        await database.append("links", ANY, [link(2, "a"), link(0, "a")])
        await database.append("empty", ANY, [])
        await database.append("soft", ANY, events(2))
        await database.delete("soft")
        await database.tombstone("hard")

    async def after(database: Database) -> list[object]:
        """What is answered, without the ids that the store makes."""
        results: list[object] = [await database.append("a", NO_STREAM, batch)]
        results += [database.stream_info(stream) for stream in ("a", "links", "empty", "soft", "hard")]
        results += [database.metadata("a"), database.end, database.last_position]
        results.append(await database.append("soft", 1, batch))
        results += [database.resolve(record).is_unresolved_link for record in database.read_stream("links").records]
        records = database.read_all(limit=100).records
        return results + [(r.stream, r.revision, r.type, r.data, r.position, r.created) for r in records]

    async with Database(MemoryStorage(), clock=clock) as memory:
        await before(memory)
        in_memory = await after(memory)
    async with Database(SqliteStorage(path), clock=clock) as disk:
        await before(disk)
    async with Database(SqliteStorage(path), clock=clock) as disk:
        assert await after(disk) == in_memory


async def test_a_storage_in_memory_can_be_opened_again() -> None:
    """What one database wrote, the next one finds."""
    storage = MemoryStorage()
    async with Database(storage) as database:
        first = await database.append("a", ANY, events(2))
    async with Database(storage) as database:
        assert shown(database) == [("a", 0), ("a", 1)]
        second = await database.append("a", 1, events(1))
    assert first.position is not None
    assert second.position is not None
    assert first.position < second.position


async def test_readers_see_only_what_is_durable(tmp_path: Path) -> None:
    """Not the event, not the metadata, not the tombstone; writers build on them at once."""
    storage = GatedStorage(tmp_path / "store.db")
    async with Database(storage) as database:
        storage.gate.set()
        await database.append("a", ANY, events(3))
        await database.append("b", ANY, events(1))
        end = database.end
        storage.gate.clear()
        storage.reached.clear()
        writes = [
            asyncio.create_task(database.append("a", 2, events(1))),
            asyncio.create_task(set_metadata(database, "a", max_count=1)),
            asyncio.create_task(database.append("c", NO_STREAM, events(1))),
            asyncio.create_task(database.tombstone("b", 0)),
            asyncio.create_task(database.append("a", 3, events(1))),
        ]
        news = asyncio.create_task(database.wait(end))
        await storage.wait_reached()
        assert (read(database, "a"), read(database, "b"), database.end) == ([0, 1, 2], [0], end)
        assert len(shown(database)) == 4
        beyond = Position(end.commit + 5000, end.commit + 5000)
        assert database.read_all(beyond) == database.read_all(end)
        assert database.read_tombstone("b") is None
        assert database.read_live("a", end).records == ()
        with pytest.raises(StreamNotFound):
            database.read_stream("c")
        assert not any(task.done() for task in (*writes, news))
        storage.gate.set()
        await asyncio.wait_for(asyncio.gather(*writes, news), PROMPT)
        assert (read(database, "a"), read(database, "c")) == ([4], [0])
        assert database.stream_info("b").is_tombstoned


async def test_writes_share_a_flush(tmp_path: Path) -> None:
    """What comes while one runs goes with the next one, however much it is."""
    storage = GatedStorage(tmp_path / "store.db")
    async with Database(storage) as database:
        first = asyncio.create_task(database.append("a", ANY, events(1)))
        await storage.wait_reached()
        others = [asyncio.create_task(database.append("a", ANY, events(1))) for _ in range(100)]
        await asyncio.sleep(0)
        storage.gate.set()
        await asyncio.wait_for(asyncio.gather(first, *others), PROMPT)
        assert storage.flushes == 2
        assert len(shown(database)) == 101


async def test_appends_that_come_together_share_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SQLite itself tells; with `synchronous = FULL` in WAL mode a commit is one fsync."""
    statements: list[str] = []
    connect = sqlite3.connect

    def traced(path: str, check_same_thread: bool) -> sqlite3.Connection:
        connection = connect(path, check_same_thread=check_same_thread)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    async with Database(SqliteStorage(tmp_path / "events.db")) as database:
        statements.clear()
        await asyncio.gather(*(database.append(f"stream-{number}", ANY, events(1)) for number in range(64)))
        assert sum(statement.startswith("INSERT") for statement in statements) == 64
        assert statements.count("COMMIT") == 1


async def test_a_repeat_waits_for_the_original(tmp_path: Path) -> None:
    """It is not acknowledged before the event that it repeats is on disk."""
    storage = GatedStorage(tmp_path / "store.db")
    batch = events(1)
    async with Database(storage) as database:
        both = [asyncio.create_task(database.append("a", NO_STREAM, batch)) for _ in range(2)]
        await storage.wait_reached()
        assert not both[1].done()
        storage.gate.set()
        first, second = await asyncio.wait_for(asyncio.gather(*both), PROMPT)
        assert first == second


async def test_a_cancelled_append_happens_nevertheless(tmp_path: Path) -> None:
    """Others build on it, and the database closes only when it is on disk."""
    storage = GatedStorage(tmp_path / "store.db")
    async with Database(storage) as database:
        cancelled = asyncio.create_task(database.append("a", NO_STREAM, events(1)))
        await storage.wait_reached()
        cancelled.cancel()
        follower = asyncio.create_task(database.append("a", 0, events(1)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(database.close())
        await settle()
        assert not closing.done()
        storage.gate.set()
        assert (await asyncio.wait_for(follower, PROMPT)).revision == 1
        await asyncio.wait_for(closing, PROMPT)
    assert cancelled.cancelled()
    async with Database(SqliteStorage(tmp_path / "store.db")) as database:
        assert read(database, "a") == [0, 1]


async def test_a_full_disk_fails_what_it_can_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The writes that don't fit did not happen, nor those that built on them, and the next ones go on from what is
    stored. Reads see nothing of it. The log says once that it begins and once that it is over.
    """
    disk, storage = Disk(monkeypatch), GatedStorage(tmp_path / "store.db")
    storage.gate.set()
    async with Database(storage) as database:
        await database.append("a", ANY, events(1))
        disk.fill()
        for _ in range(2):
            appends = [database.append("a", expected, large(1)) for expected in (0, 1, 2)]
            everything = asyncio.gather(*appends, database.tombstone("b"), return_exceptions=True)
            results = await asyncio.wait_for(everything, PROMPT)
            assert [type(result) for result in results] == [WriteFailed] * 4
            assert (read(database, "a"), len(shown(database))) == ([0], 1)
        disk.make_room()
        assert (await database.append("a", 0, large(1))).revision == 1
        assert (await database.append("b", NO_STREAM, events(1))).revision == 0
    said = [(record.levelname, record.message) for record in caplog.records if "store.db" in record.message]
    assert [level for level, _ in said] == ["ERROR", "WARNING"]
    assert "database or disk is full" in said[0][1]
    assert said[1][1].endswith("store.db can be written again")
    async with Database(SqliteStorage(tmp_path / "store.db")) as database:
        assert (read(database, "a"), read(database, "b"), len(shown(database))) == ([0, 1], [0], 3)


async def test_what_comes_while_the_disk_fails_fails_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes that were decided while the flush ran built on what is taken back, so they are taken back, too; and a
    repeat of an append that failed is no repeat: it is stored.
    """
    disk, storage = Disk(monkeypatch), SlowToFail(tmp_path / "store.db")
    repeated = large(1)
    async with Database(storage) as database:
        await database.append("a", ANY, events(1))
        disk.fill()
        storage.is_slow = True
        failing = asyncio.create_task(database.append("a", ANY, repeated))
        await storage.wait_reached()
        queued = [asyncio.create_task(database.append("a", ANY, events(1))) for _ in range(3)]
        await settle()
        disk.make_room()
        storage.is_slow = False
        storage.gate.set()
        results = await asyncio.wait_for(asyncio.gather(failing, *queued, return_exceptions=True), PROMPT)
        assert [type(result) for result in results] == [WriteFailed] * 4
        assert (await database.append("a", ANY, repeated)).revision == 1
        assert read(database, "a") == [0, 1]


async def test_old_events_are_read_from_disk(tmp_path: Path) -> None:
    """What no longer fits into memory comes back as it was, in any order."""
    payload = bytes(1_000_000)
    async with Database(SqliteStorage(tmp_path / "store.db")) as database:
        for number in range(12):
            (proposed,) = events(1)
            await database.append("a", ANY, [type(proposed)(proposed.id, f"T{number}", payload + b"%d" % number)])
        assert [(record.type, record.data[-2:].strip(b"\0")) for record in read_whole(database, "a")] == [
            (f"T{number}", b"%d" % number) for number in range(12)
        ]


async def test_a_full_disk_in_the_midst_of_a_large_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be stored is taken back when the write that is being decided is complete, and that one with it."""
    disk, storage = Disk(monkeypatch), GatedStorage(tmp_path / "store.db")
    storage.gate.set()
    async with Database(storage) as database:
        await database.append("a", ANY, events(1))
        disk.fill()
        appends = [database.append("a", ANY, large(1)), database.append("b", ANY, events(5_000))]
        results = await asyncio.wait_for(asyncio.gather(*appends, return_exceptions=True), PROMPT)
        assert [type(result) for result in results] == [WriteFailed] * 2
        disk.make_room()
        assert (await database.append("a", 0, events(1))).revision == 1
        assert (await database.append("b", NO_STREAM, events(5_000))).revision == 4_999
    async with Database(SqliteStorage(tmp_path / "store.db")) as database:
        assert (database.stream_info("a").last, database.stream_info("b").last) == (1, 4_999)
