"""A database, and its projections."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.embedded.projections.subsystem import Projections
from fastapi_esdb.embedded.store import Database
from tests.embedded.store.support import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(clock: Clock) -> AsyncIterator[Database]:
    async with Database(clock=clock) as database:
        yield database


@pytest.fixture
async def projections(database: Database, clock: Clock) -> AsyncIterator[Projections]:
    async with Projections(database, clock) as projections:
        yield projections
