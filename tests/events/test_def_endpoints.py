"""Typed events in `def` endpoints, which run in threads."""

from __future__ import annotations

import asyncio
from typing import assert_type
from uuid import UUID

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.decoding import Event
from fastapi_esdb.plugin.sync import SyncConnection
from tests.events.orders import OrderPlaced, events

PLACED = OrderPlaced(orderId=UUID(int=7))


async def test_a_thread_appends_and_reads_objects(esdb: Connection) -> None:
    """As the event loop does, and the type checker sees them, too."""
    blocking = SyncConnection(esdb)

    def work() -> list[Event[OrderPlaced]]:
        blocking.append("s", PLACED)
        found = blocking.read("s", types=events.of(OrderPlaced))
        return assert_type(found, list[Event[OrderPlaced]])

    assert [event.data for event in await asyncio.to_thread(work)] == [PLACED]
