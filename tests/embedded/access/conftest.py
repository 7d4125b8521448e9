"""A database to keep users and access lists in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.embedded.store import Database


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    async with Database() as database:
        yield database
