"""Checkpoints in a store of the app's own, saved by the transaction that the handler uses."""

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_esdb import Connection, Esdb, InvalidArgument, NewEvent, RecordedEvent
from fastapi_esdb.consumers import CheckpointMoved, Skip, To, to
from fastapi_esdb.testing import running
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("esdb_server")

TABLES = "CREATE TABLE places (consumer PRIMARY KEY, place); CREATE TABLE seen (revision)"


class Database:
    """A file with the events that were seen, and the checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with sqlite3.connect(path) as database:
            database.executescript(TABLES)

    def transaction(self) -> Iterator[sqlite3.Connection]:
        with sqlite3.connect(self.path, check_same_thread=False) as database:
            yield database

    def seen(self) -> list[int]:
        with sqlite3.connect(self.path) as database:
            return [revision for (revision,) in database.execute("SELECT revision FROM seen ORDER BY rowid")]


def has_seen(database: Database, count: int) -> bool:
    return len(database.seen()) == count


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "view.db")


def places_in(database: Database) -> Any:
    """Return a store whose methods are coroutines that depend on a transaction of the database."""
    Transaction = Annotated[sqlite3.Connection, Depends(database.transaction)]  # noqa: N806  a type

    class Places:
        async def load(self, consumer: str, database: Transaction) -> str | None:
            found = database.execute("SELECT place FROM places WHERE consumer = ?", (consumer,)).fetchone()
            return found[0] if found else None

        async def save(self, consumer: str, checkpoint: str, before: str | None, database: Transaction) -> None:
            found = database.execute("SELECT place FROM places WHERE consumer = ?", (consumer,)).fetchone()
            if (found[0] if found else None) != before:
                raise CheckpointMoved
            database.execute("INSERT OR REPLACE INTO places VALUES (?, ?)", (consumer, checkpoint))

    return Places()


@pytest.mark.parametrize("in_thread", [False, True])
async def test_handler_and_checkpoint_are_one_transaction(
    esdb_connection: Connection, database: Database, in_thread: bool
) -> None:
    """What fails after the handler undoes both, and each event is seen once, also over restarts of the app."""
    esdb, failures = Esdb(), [True]
    transaction = Depends(database.transaction)

    def note(event: RecordedEvent, database: sqlite3.Connection) -> None:
        database.execute("INSERT INTO seen VALUES (?)", (event.revision,))
        if event.revision == 1 and failures:
            failures.pop()
            raise OSError("the disk is full")

    def handle_in_thread(event: RecordedEvent, database: Annotated[sqlite3.Connection, transaction]) -> None:
        note(event, database)

    async def handle(event: RecordedEvent, database: Annotated[sqlite3.Connection, transaction]) -> None:
        note(event, database)

    esdb.consumer("c", "s", checkpoint=places_in(database))(handle_in_thread if in_thread else handle)
    app = FastAPI(lifespan=esdb.lifespan)
    for count in (3, 5):
        await esdb_connection.append("s", [NewEvent("N", {}) for _ in range(count - len(database.seen()))])
        async with running(app):
            await until(partial(has_seen, database, count))
    assert database.seen() == [0, 1, 2, 3, 4]
    assert not failures


async def test_events_that_such_a_handler_returns_undo_its_transaction(
    esdb_connection: Connection, database: Database
) -> None:
    """They could not be appended in it, so it is an error that says so."""
    esdb, transaction = Esdb(), Depends(database.transaction)

    @esdb.consumer("c", "s", checkpoint=places_in(database), on_error={InvalidArgument: Skip})
    def handle(event: RecordedEvent, database: Annotated[sqlite3.Connection, transaction]) -> To:
        database.execute("INSERT INTO seen VALUES (?)", (event.revision,))
        return to("out", NewEvent("N", {}))

    await esdb_connection.append("s", NewEvent("N", {}))
    async with running(FastAPI(lifespan=esdb.lifespan)):
        await until(lambda: esdb.consumers["c"].status.place == 0)
        assert esdb.consumers["c"].last_error is InvalidArgument
    assert database.seen() == []
