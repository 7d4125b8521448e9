"""The clients that are compared: each can do what the load asks of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID, uuid4

import pytest

from benchmarks.faults import ours, theirs
from benchmarks.faults.client import NOTHING
from benchmarks.faults.clients import CLIENTS, LOOSE, SETTINGS
from fastapi_esdb import START, AppendOutcomeUnknown, ConnectionClosed, connect
from fastapi_esdb.embedded import EmbeddedServer


async def some(ids: AsyncGenerator[UUID, None], count: int) -> list[UUID]:
    """The first ones."""
    return [await anext(ids) for _ in range(count)]


@pytest.mark.parametrize("name", CLIENTS)
async def test_what_a_client_does(name: str) -> None:
    """It appends at a revision, tells the revision, and follows and consumes what it has written."""
    async with EmbeddedServer() as server, connect(server.connection_string) as esdb:
        await esdb.persistent_subscriptions.create("load-0", "group", start=START)
        async with CLIENTS[name](server.connection_string) as client:
            written = [uuid4(), uuid4()]
            assert await client.revision("load-0") == NOTHING
            await client.append("load-0", written[0], NOTHING)
            await client.append("load-0", written[1], 0)
            assert await client.revision("load-0") == 1
            if not name.endswith(LOOSE):
                with pytest.raises(Exception, match="0"):
                    await client.append("load-0", uuid4(), 0)
            following = [client.follow("load-0"), client.follow_all("load-"), client.consume("load-0", "group")]
            async with asyncio.timeout(20):
                assert [await some(ids, 2) for ids in following] == [written] * 3
            assert client.reopened == 0
            for ids in following:
                await ids.aclose()


async def test_ours_says_when_an_outcome_is_open() -> None:
    """With one error, which is for that."""
    async with EmbeddedServer() as server, ours.ours(server.connection_string) as client:
        assert client.leaves_open(AppendOutcomeUnknown("s", 0, ()))
        assert not client.leaves_open(ConnectionClosed())


def test_settings_are_told() -> None:
    """Of every client, since a comparison says little without them."""
    assert SETTINGS.keys() == CLIENTS.keys()
    assert theirs.OPTIONS in SETTINGS[theirs.NAME]
