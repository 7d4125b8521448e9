"""A scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.faults.scripted import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as running:
        yield running
