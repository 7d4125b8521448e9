"""Rubbish at every call: it gets a status, nothing falls over, and the server goes on."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import grpc
import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import NO_STREAM
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import AppendOptions, BatchFragment, BatchOptions, DeleteRequest, ReadRequest
from tests.support.bare_client import ENDED, BareClient, event

SEED = 20
TIMES = 120
"""Pieces of rubbish a valid request."""

SENSIBLE: list[tuple[Method[Any, Any], list[Any]]] = [
    (READ, [ReadRequest("a", 3, resolve_links=True, compatibility=1)]),
    (READ, [ReadRequest(None, Position(512, 512), filter=EventFilter(regex="^[a-z]+$", window=None))]),
    (READ, [ReadRequest("a", subscribe=True, structured_ids=True)]),
    (READ, [ReadRequest(None, subscribe=True, filter=EventFilter(by_stream=True, prefixes=("a", "b")))]),
    (APPEND, [AppendOptions("a", NO_STREAM), event(metadata=b"{}"), event(data=b"x" * 300)]),
    (DELETE, [DeleteRequest("a", 7)]),
    (TOMBSTONE, [DeleteRequest("b")]),
    (BATCH_APPEND, [BatchFragment(uuid4(), BatchOptions("a", 7, 1.5), (event(), event()))]),
    (GOSSIP, [None]),
    (SUPPORTED_METHODS, [None]),
]


def rubbish(method: Method[Any, Any], requests: list[Any], chance: random.Random) -> Iterator[list[bytes]]:
    """The requests with one of them cut off, with bits turned over, or replaced by random bytes."""
    encoded = [method.request.to_bytes(request) for request in requests]
    for _ in range(TIMES):
        changed = list(encoded)
        place = chance.randrange(len(changed))
        changed[place] = chance.choice((_cut, _turned, _random))(changed[place], chance)
        yield changed


def _cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _turned(raw: bytes, chance: random.Random) -> bytes:
    turned = bytearray(raw)
    for _ in range(min(len(turned), chance.randint(1, 4))):
        turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
    return bytes(turned)


def _random(_raw: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, 60))


async def status_of_call(client: BareClient, method: Method[Any, Any], requests: list[bytes]) -> grpc.StatusCode:
    """How a call ends; a subscription that rubbish happened to ask for ends with its deadline."""
    raw: Any = client.channel.stream_stream(method.path)(timeout=1.0)
    with suppress(*ENDED):
        for request in requests:
            await raw.write(request)
        await raw.done_writing()
    return grpc.StatusCode((await raw.code()).value)


@pytest.mark.parametrize(("method", "requests"), SENSIBLE)
async def test_rubbish(
    server: EmbeddedServer,
    client: BareClient,
    method: Method[Any, Any],
    requests: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever a client sends, its call ends with a status that is not the server's fault, and others are served."""
    await client.write("a", 5)
    chance = random.Random(SEED)
    calls = [status_of_call(client, method, sent) for sent in rubbish(method, requests, chance)]
    statuses = set(await asyncio.gather(*calls))
    assert grpc.StatusCode.UNKNOWN not in statuses
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert (await client.write("c")).revision == 0
