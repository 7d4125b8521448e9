"""Indexes compared with a search through the log, for random events, starts, directions and limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from fastapi_esdb.embedded.indexes import user_index
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.indexes import CREATE_INDEX, CreateIndex, IndexField, IndexFieldType
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Edge, Position
from fastapi_esdb.wire.streams.values import ALL_EVENTS, ReadRequest
from tests.support.bare_client import BareClient, connected, event

STREAMS = ("a", "a-1", "a-2", "a-b-c", "ab-1", "b-1", "-x", "$s", "$a-1")
TYPES = ("T", "U", "Tä", "$t", "$>")

Holds = Callable[[RecordedEvent], bool]


def number(record: RecordedEvent) -> object:
    return json.loads(record.data).get("n")


def is_users(record: RecordedEvent) -> bool:
    return not record.stream.startswith("$") and not record.type.startswith("$")


def everything(_: RecordedEvent) -> bool:
    return True


def nothing(_: RecordedEvent) -> bool:
    return False


INDEXES: dict[str, Holds] = {
    "all": everything,
    "ce-a": lambda record: record.stream.split("-")[0] == "a",
    "ce-": lambda record: record.stream == "-x",
    "ce-b": lambda record: record.stream == "b-1",
    "et-T": lambda record: record.type == "T",
    "et-Tä": lambda record: record.type == "Tä",
    "et-$t": nothing,
    "user-all": everything,
    "user-numbers": lambda record: isinstance(number(record), int) and number(record) != 7,
    "user-numbers:2": lambda record: number(record) == 2,
    "user-numbers:02": lambda record: number(record) == 2,
    "user-numbers:7": nothing,
    "user-numbers:x": nothing,
    "user-all:2": nothing,
}
"""What is in each index, of the events of users."""


async def create(client: BareClient) -> None:
    selector = IndexField("n", "rec => rec.value.n === 7 ? skip : rec.value.n", IndexFieldType.INT_64)
    await client.call(CREATE_INDEX, CreateIndex("all"))
    await client.call(CREATE_INDEX, CreateIndex("numbers", "rec => rec.schema.name !== 'nothing'", (selector,)))


async def write(client: BareClient, random: Random) -> None:
    for _ in range(random.randint(1, 5)):
        events = (
            event(random.choice(TYPES), json.dumps({"n": random.choice((0, 2, 7, "2", None))}).encode())
            for _ in range(random.randint(1, 8))
        )
        await client.append(random.choice(STREAMS), *events)


def sought(log: list[RecordedEvent], request: ReadRequest, holds: Holds) -> list[RecordedEvent]:
    """What a read should give, found by looking at each event of the log."""
    found = [record for record in log if is_users(record) and holds(record)]
    start, is_forwards = request.start, request.direction is FORWARDS
    if isinstance(start, Position):
        found = [r for r in found if r.position and (r.position >= start if is_forwards else r.position <= start)]
    elif (start is END) is is_forwards:
        found = []
    return (found if is_forwards else found[::-1])[: request.limit]


@pytest.mark.parametrize("seed", range(6))
async def test_reads(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read of an index gives what a search through the log finds, before and after a restart."""
    monkeypatch.setattr(user_index, "PAGE", 7)
    monkeypatch.setattr(user_index, "STORED_PAGES", 2)
    random = Random(seed)
    server = EmbeddedServer()
    for run in range(2):
        async with server, connected(server.address) as client:
            await write(client, random)
            if run == 0:
                await create(client)
            for _ in range(3):
                await write(client, random)
                log = await client.read(ReadRequest(None))
                for name, holds in INDEXES.items():
                    request = asked(name, random, log)
                    assert await client.read(request) == sought(log, request, holds), (name, request)


def asked(name: str, random: Random, log: list[RecordedEvent]) -> ReadRequest:
    direction = random.choice((FORWARDS, BACKWARDS))
    somewhere = random.choice(log).position or Position(1, 1)
    between = Position(somewhere.commit + 1, somewhere.commit + 1)
    starts: list[Position | Edge] = [START if direction is FORWARDS else END, START, somewhere, between]
    start = random.choice(starts)
    chosen = EventFilter(by_stream=True, prefixes=(f"$idx-{name}",))
    return ReadRequest(None, start, direction, random.choice((1, 3, 20, ALL_EVENTS)), filter=chosen)
