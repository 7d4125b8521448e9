"""Scavenging large events: what goes is not read once more."""

from __future__ import annotations

from pathlib import Path

from fastapi_esdb.embedded.store import Database, SqliteStorage
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import event, set_metadata
from tests.embedded.watchdog import BOUND, watched

COUNT = 96
MEBIBYTE = 1024 * 1024


async def test_nobody_waits_for_it(tmp_path: Path) -> None:
    """The event loop comes round while very large events are taken from the disk, and what that frees is known."""
    async with Database(SqliteStorage(tmp_path / "events.db")) as database:
        for _ in range(COUNT):
            await database.append("a", ANY, [event(data=bytes(MEBIBYTE))])
        await set_metadata(database, "a", truncate_before=COUNT)
        with watched() as watchdog:
            page = await database.scavenge(Position(0, 0))
        assert page.removed == COUNT - 1
        assert page.freed // page.removed - MEBIBYTE in range(96, 200)
        assert watchdog.longest < BOUND / 2
