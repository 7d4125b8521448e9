"""What it costs to read events as objects of classes, beside reading them and their JSON."""

from __future__ import annotations

import time
from typing import Any

from pydantic import BaseModel

from benchmarks.costs.cost import Cost
from benchmarks.events import fresh_stream
from fastapi_esdb import Connection, EventTypes, NewEvent, RecordedEvent, connect

LIMIT = 1.3
"""Of what an untyped read and `event.json()` take."""

PATIENCE = 60.0
BATCH = 1_000

events = EventTypes()


@events("OrderPlaced")
class OrderPlaced(BaseModel):
    """An event as apps have them."""

    order_id: str
    customer: str
    total: int
    lines: list[str]


@events("OrderMoved", version=2)
class OrderMoved(BaseModel):
    """One that has changed."""

    order_id: str
    town: str


@events.upcast(OrderMoved, since=1)
def with_town(old: dict[str, Any]) -> dict[str, Any]:
    """Make version 2 of version 1."""
    return {"order_id": old["order_id"], "town": old["city"]}


async def typed_costs(target: str, rounds: int, count: int) -> list[Cost]:
    """Read `count` events in each round."""
    async with connect(target) as esdb:
        await esdb.wait_connected(PATIENCE)
        current = await _filled(
            esdb, events.new(OrderPlaced(order_id="o-1", customer="Ann", total=3, lines=["a", "b"])), count
        )
        older = await _filled(esdb, NewEvent("OrderMoved", {"order_id": "o-1", "city": "Bern"}), count)
        ratios = [await _typed(esdb, current) / await _untyped(esdb, current) for _ in range(rounds)]
        recorded = await esdb.read(older).to_list()
        upcasts = [_decoding(recorded) for _ in range(rounds)]
    return [
        Cost.of("a read with `types=`, beside a read and `event.json()`", "", ratios, LIMIT),
        Cost.of("an event of an older version, decoded and upcast", "µs", upcasts),
    ]


async def _filled(esdb: Connection, event: Any, count: int) -> str:
    """Return a stream of so many such events, each with an id of its own."""
    stream = fresh_stream()
    for first in range(0, count, BATCH):
        batch = [
            NewEvent(event.type, event.data, content_type=event.content_type) for _ in range(min(BATCH, count - first))
        ]
        await esdb.append(stream, batch)
    return stream


async def _typed(esdb: Connection, stream: str) -> float:
    began = time.process_time()
    async for event in esdb.read(stream, types=events):
        assert event.data
    return time.process_time() - began


async def _untyped(esdb: Connection, stream: str) -> float:
    began = time.process_time()
    async for event in esdb.read(stream):
        assert event.json()
    return time.process_time() - began


def _decoding(recorded: list[RecordedEvent]) -> float:
    """Microseconds for each of them."""
    began = time.process_time()
    for event in recorded:
        events.decode(event)
    return 1e6 * (time.process_time() - began) / len(recorded)
