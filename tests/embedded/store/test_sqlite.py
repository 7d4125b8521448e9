"""The file on disk: whose it is, who has it, what is wrong with it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fastapi_esdb.embedded.store import (
    Database,
    SqliteStorage,
    StorageCorrupt,
    StorageError,
    StorageFailed,
    StorageLocked,
)
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import events, read

ROOT = Path(__file__).parents[3]


async def make_store(path: Path) -> None:
    async with Database(SqliteStorage(path)) as database:
        for number in range(100):
            await database.append(f"s-{number % 5}", ANY, events(3))


async def open_and_close(path: Path) -> None:
    async with Database(SqliteStorage(path)):
        pass


def run_appender(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.embedded.store.appender", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)


async def test_a_file_is_open_once(tmp_path: Path) -> None:
    """The second database is refused and names the file; the first one goes on; then it is free again."""
    path = tmp_path / "store.db"
    async with Database(SqliteStorage(path)) as database:
        for _ in range(2):
            with pytest.raises(StorageLocked, match=f"{path}: another server has it open"):
                await open_and_close(path)
        await database.append("a", ANY, events(1))
        assert read(database, "a") == [0]
    await open_and_close(path)


async def test_a_link_to_a_file_that_is_open_is_refused(tmp_path: Path) -> None:
    """Symbolic or hard, whether this process has the file open or another one; the other name works afterwards."""
    path = tmp_path / "store.db"
    await make_store(path)
    links = [tmp_path / "symbolic.db", tmp_path / "hard.db"]
    links[0].symlink_to(path)
    links[1].hardlink_to(path)
    async with Database(SqliteStorage(path)) as database:
        for link in links:
            with pytest.raises(StorageLocked, match=f"{link}: another server has it open"):
                await open_and_close(link)
            assert f"{link}: another server has it open" in run_appender(link).stderr
        assert (await database.append("a", ANY, events(1))).revision == 0
    for link in links:
        async with Database(SqliteStorage(link)) as database:
            assert read(database, "a") == [0]


async def test_a_file_with_several_names_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What SQLite has not yet put into the file stands beside the name that it was opened by."""
    path = tmp_path / "store.db"
    await make_store(path)
    assert not caplog.records
    (tmp_path / "other.db").hardlink_to(path)
    await open_and_close(path)
    assert [record.message for record in caplog.records if record.message.startswith(f"{path} has 2 names")]


async def test_another_process_is_refused_too(tmp_path: Path) -> None:
    """The lock holds across processes."""
    path = tmp_path / "store.db"
    async with Database(SqliteStorage(path)):
        run = run_appender(path)
    assert run.returncode != 0
    assert f"{path}: another server has it open" in run.stderr


async def test_a_path_means_the_same_wherever_the_process_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is taken from where the storage was made; no name is special to SQLite."""
    monkeypatch.chdir(tmp_path)
    storage = SqliteStorage(":memory:")
    monkeypatch.chdir("/")
    async with Database(storage) as database:
        await database.append("a", ANY, events(1))
    assert (tmp_path / ":memory:").exists()


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """As one that is not there."""
    path = tmp_path / "store.db"
    path.touch()
    await make_store(path)
    async with Database(SqliteStorage(path)) as database:
        assert len(database.read_stream("s-0", limit=100).records) == 60


def garbage(path: Path) -> None:
    path.write_bytes(b"This is a text and no database. " * 1000)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def statements(*commands: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        connection = sqlite3.connect(path)
        for command in commands:
            connection.execute(command)
        connection.commit()
        connection.close()

    return run


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (garbage, "no SQLite database"),
        (damage, "damaged"),
        (cut, "damaged"),
        (statements("PRAGMA application_id = 7"), "something else"),
        (statements("PRAGMA user_version = 9"), "version 9"),
        (statements("UPDATE records SET revision = revision + 1 WHERE stream = 's-3'"), "'s-3' has revision 1"),
        (statements("DELETE FROM records WHERE stream = 's-3' AND revision = 5"), "revision 6 where 5 was due"),
        (statements("UPDATE records SET position = position - 1 WHERE revision = 5"), "where the log ended"),
    ],
)
async def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path, harm: Callable[[Path], None], message: str) -> None:
    """The error names the file and what is wrong, and leaves it and its lock free."""
    path = tmp_path / "store.db"
    await make_store(path)
    harm(path)
    for _ in range(2):
        with pytest.raises(StorageCorrupt, match=message) as caught:
            await open_and_close(path)
        assert caught.value.path == str(path)


def scribbled(content: bytes, chance: random.Random) -> bytes:
    """The content with its end cut off, some bits turned over, or a part of it overwritten."""
    start = chance.randrange(len(content))
    match chance.choice(("cut", "flip", "zeros", "copy")):
        case "cut":
            return content[:start]
        case "flip":
            changed = bytearray(content)
            for _ in range(20):
                changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            return bytes(changed)
        case "zeros":
            return (content[:start] + bytes(2000) + content[start + 2000 :])[: len(content)]
        case _:
            return (content[:start] + content[4096:5096] + content[start + 1000 :])[: len(content)]


async def test_a_file_damaged_at_random_fails_with_our_errors(tmp_path: Path) -> None:
    """Whatever happened to the file, opening, reading and writing raise an `EsdbError` or work; a hundred times."""
    path = tmp_path / "store.db"
    await make_store(path)
    whole, chance, refused = path.read_bytes(), random.Random(777), 0
    for content in (whole[:-777], *(scribbled(whole, chance) for _ in range(100))):
        path.write_bytes(content)
        try:
            async with Database(SqliteStorage(path)) as database:
                for number in range(5):
                    database.read_stream(f"s-{number}", limit=100)
                await database.append("s-1", ANY, events(1))
        except EsdbError:
            refused += 1
    assert refused > 30


async def test_the_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """It is refused, and not a byte of it changes."""
    path = tmp_path / "other.db"
    statements("CREATE TABLE people (name TEXT)")(path)
    before = path.read_bytes()
    with pytest.raises(StorageCorrupt, match="something else"):
        await open_and_close(path)
    assert path.read_bytes() == before


async def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    """A missing directory, and a path that is one."""
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "missing" / "store.db", tmp_path / "directory"):
        with pytest.raises(StorageError) as caught:
            await open_and_close(path)
        assert str(path) in str(caught.value)


async def test_a_record_that_vanishes_is_noticed(tmp_path: Path) -> None:
    """Somebody else's hand in an open file is an error, not a gap."""
    path = tmp_path / "store.db"
    await make_store(path)
    async with Database(SqliteStorage(path)) as database:
        statements("DELETE FROM records WHERE stream = 's-3'")(path)
        with pytest.raises(StorageCorrupt, match="missing"):
            database.read_stream("s-3")


async def test_a_file_that_can_not_be_written_any_more(tmp_path: Path) -> None:
    """The write fails with what SQLite says, and so do all that follow."""
    path = tmp_path / "store.db"
    async with Database(SqliteStorage(path)) as database:
        statements("DROP TABLE records")(path)
        for _ in range(2):
            with pytest.raises(StorageFailed, match="can't be written: no such table"):
                await database.append("a", ANY, events(1))


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Opened and closed many times, also in vain: no thread and no file stays open."""
    path, process = tmp_path / "store.db", psutil.Process()
    await make_store(path)
    threads, descriptors = threading.active_count(), process.num_fds()
    async with Database(SqliteStorage(path)):
        for _ in range(50):
            with pytest.raises(StorageLocked):
                await open_and_close(path)
    for _ in range(50):
        await open_and_close(path)
    assert threading.active_count() <= threads
    assert process.num_fds() <= descriptors


async def test_an_opening_that_is_cancelled_lets_go_of_the_file(tmp_path: Path) -> None:
    """Whoever comes next finds it free."""
    path = tmp_path / "store.db"
    opening = asyncio.create_task(Database(SqliteStorage(path)).open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await open_and_close(path)


async def test_closing_twice_and_cancelling_one_of_it(tmp_path: Path) -> None:
    """A cancelled close goes on, and another one waits for it."""
    database = Database(SqliteStorage(tmp_path / "store.db"))
    await database.open()
    first = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    first.cancel()
    await database.close()
    assert first.cancelled()
    await open_and_close(tmp_path / "store.db")


def test_a_storage_that_is_not_open_says_so(tmp_path: Path) -> None:
    """And can be closed all the same."""
    storage = SqliteStorage(tmp_path / "store.db")
    storage.close()
    with pytest.raises(StorageError, match="not open"):
        storage.read([512])
