"""What a group remembers when the server starts again with its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import GroupNotFound
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.values import ConsumerStrategy, NackAction
from fastapi_esdb.wire.positions import END
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.embedded.consuming import EAGER, Groups
from tests.support.bare_client import BareClient, connected, event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


async def test_the_groups_are_there_again(path: Path) -> None:
    """With their settings, their filters, and where they started; deleted ones are not."""
    chosen = EventFilter(by_stream=True, prefixes=("a,b", "c"))
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        await groups.create("a", start=7, strategy=ConsumerStrategy.PINNED_BY_CORRELATION, resolve_links=True)
        await groups.create(None, "filtered", chosen=chosen, start=END)
        await groups.create("a", "gone")
        await groups.delete("a", "gone")
        before = await groups.list()
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        assert await groups.list() == before
        await client.write("c")
        await client.write("a")
        await client.write("a,b")
        async with groups.consume(None, "filtered") as consumer:
            assert [one.event.stream for one in await consumer.take(2)] == ["c", "a,b"]
        with pytest.raises(GroupNotFound):
            await groups.info("a", "gone")


async def test_the_progress_is_there_again(path: Path) -> None:
    """A group goes on behind its checkpoint, which is kept as an event of its own stream."""
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        await client.write("a", 4)
        await groups.create("a", **EAGER)
        async with groups.consume("a") as consumer:
            await consumer.ack(*await consumer.take(2))
            await groups.until("a", holds=lambda info: info.last_checkpointed == 1)
        *_, last = await client.read(ReadRequest("$persistentsubscription-a::g-checkpoint"))
        assert (last.type, last.json()) == ("$SubscriptionCheckpoint", "1")
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        assert (await groups.info("a")).last_checkpointed == 1
        async with groups.consume("a") as consumer:
            assert await consumer.seen(2) == [(2, 0), (3, 0)]


async def test_what_was_not_written_down_comes_again(path: Path) -> None:
    """Answers below the minimum of a checkpoint are forgotten, as on a real server."""
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        await client.write("a", 2)
        await groups.create("a", min_checkpoint_count=10)
        async with groups.consume("a") as consumer:
            await consumer.ack(*await consumer.take(2))
            await groups.until("a", holds=lambda info: info.outstanding == 0)
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        assert (await groups.info("a")).last_checkpointed is None
        async with groups.consume("a") as consumer:
            assert await consumer.seen(2) == [(0, 0), (1, 0)]


async def test_parked_events_are_there_again(path: Path) -> None:
    """Also those that were parked just before the server stopped."""
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        await client.write("a", 2)
        await groups.create("a", **EAGER)
        async with groups.consume("a") as consumer:
            await consumer.nack(*await consumer.take(2), action=NackAction.PARK)
            await groups.until("a", holds=lambda info: info.parked == 2)
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        groups = Groups(client)
        assert (await groups.info("a")).parked == 2
        async with groups.consume("a") as consumer:
            await groups.replay("a")
            assert [one.event.revision for one in await consumer.take(2)] == [0, 1]


async def test_in_memory_too(client: BareClient, server: EmbeddedServer) -> None:
    """A server that is stopped and started again has the same data, and so the same groups."""
    await Groups(client).create("a")
    await server.stop()
    await server.start()
    async with connected(server.address) as again:
        assert [info.group for info in await Groups(again).list()] == ["g"]


async def test_nonsense_in_the_configuration(server: EmbeddedServer, client: BareClient) -> None:
    """Somebody may have written to the server's own streams: what can't be read is left out."""
    await client.append("$persistentSubscriptionConfig", event("$PersistentConfig", b'{"entries": [{"stream": "a"}]}'))
    await server.stop()
    await server.start()
    async with connected(server.address) as again:
        groups = Groups(again)
        assert await groups.list() == ()
        await groups.create("a")
        assert len(await groups.list()) == 1


@pytest.mark.parametrize("data", [b'"nonsense"', b"7", b"{", b'"-7"'])
async def test_nonsense_in_a_checkpoint(server: EmbeddedServer, client: BareClient, data: bytes) -> None:
    """The group begins anew rather than not at all."""
    await client.write("a", 1)
    await Groups(client).create("a")
    await client.append("$persistentsubscription-a::g-checkpoint", event("$SubscriptionCheckpoint", data))
    await server.stop()
    await server.start()
    async with connected(server.address) as again, Groups(again).consume("a") as consumer:
        assert await consumer.seen(1) == [(0, 0)]


@pytest.mark.parametrize("stream", ["a", None])
async def test_a_checkpoint_behind_everything(server: EmbeddedServer, client: BareClient, stream: str | None) -> None:
    """The server starts, and the group waits for what is to come behind it."""
    await Groups(client).create(stream)
    text = b'"99999999999999999999"' if stream else b'"C:99999999999999999999/P:99999999999999999999"'
    name = f"$persistentsubscription-{stream or '$all'}::g-checkpoint"
    await client.append(name, event("$SubscriptionCheckpoint", text))
    await server.stop()
    await server.start()
    async with connected(server.address) as again:
        groups = Groups(again)
        await again.write("a", 1)
        assert (await groups.info(stream)).status == "Live"
