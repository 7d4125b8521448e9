"""A database in memory and one on disk: they behave the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_esdb.embedded.store import Database, MemoryStorage, SqliteStorage, Storage
from tests.embedded.store.support import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return MemoryStorage() if request.param == "memory" else SqliteStorage(tmp_path / "store.db")


@pytest.fixture
async def database(storage: Storage, clock: Clock) -> AsyncIterator[Database]:
    async with Database(storage, clock=clock) as database:
        yield database
