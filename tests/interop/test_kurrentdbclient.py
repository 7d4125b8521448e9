"""The established Python client works with the embedded server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from kurrentdbclient import AsyncKurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import NotFoundError

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.embedded.server import EmbeddedServer
from tests.api.waiting import answered, take

COUNT = """
fromStream("s")
  .when({
    $init: () => ({ count: 0 }),
    Counted: (state) => { state.count += 1; return state; },
  })
  .outputState();
"""


@pytest.fixture
async def other(esdb_server: EmbeddedServer) -> AsyncIterator[AsyncKurrentDBClient]:
    client = AsyncKurrentDBClient(esdb_server.connection_string)
    await client.connect()
    yield client
    await client.close()


async def append(other: AsyncKurrentDBClient, count: int) -> None:
    events = [NewEvent("Counted", b'{"number": %d}' % number) for number in range(count)]
    await other.append_to_stream("s", events=events, current_version=StreamState.ANY)


async def test_append_and_read(other: AsyncKurrentDBClient, esdb_connection: Connection) -> None:
    """Each of the two clients reads what the other one wrote."""
    await append(other, 3)
    assert [event.json()["number"] for event in await esdb_connection.read("s").to_list()] == [0, 1, 2]
    assert [event.stream_position for event in await other.get_stream("s")] == [0, 1, 2]


async def test_catch_up_subscription(other: AsyncKurrentDBClient) -> None:
    """What was, and what happens."""
    await append(other, 2)
    async with await other.subscribe_to_stream("s") as events:
        assert [event.stream_position for event in await take(events, 2)] == [0, 1]
        await append(other, 1)
        assert [event.stream_position for event in await take(events, 1)] == [2]


async def test_persistent_subscription(other: AsyncKurrentDBClient) -> None:
    """It creates, consumes, acknowledges, asks for a retry, parks, looks at, replays and deletes a group."""
    await append(other, 3)
    await other.create_subscription_to_stream("g", "s", min_checkpoint_count=1, max_checkpoint_count=1)
    async with await other.read_subscription_to_stream("g", "s") as events:
        first, second, third = await take(events, 3)
        await events.ack(first)
        await events.nack(second, action="retry")
        await events.nack(third, action="park")
        [again] = await take(events, 1)
        await events.ack(again)
    assert (again.stream_position, again.retry_count) == (1, 1)
    await answered(lambda: other.get_subscription_info("g", "s"), lambda info: info.parked_message_count == 1)
    await other.replay_parked_events("g", "s")
    async with await other.read_subscription_to_stream("g", "s") as events:
        [replayed] = await take(events, 1)
        await events.ack(replayed)
    assert replayed.stream_position == 2
    await other.delete_subscription("g", "s")
    with pytest.raises(NotFoundError):
        await other.get_subscription_info("g", "s")


async def test_projection(other: AsyncKurrentDBClient) -> None:
    """It creates one, reads its state while events come, disables and deletes it."""
    await append(other, 3)
    await other.create_projection(name="counter", query=COUNT)
    await answered(lambda: other.get_projection_state("counter"), lambda state: state.value == {"count": 3})
    await append(other, 2)
    await answered(lambda: other.get_projection_state("counter"), lambda state: state.value == {"count": 5})
    await other.disable_projection("counter")
    await answered(lambda: other.get_projection_statistics("counter"), lambda one: one.status.startswith("Stopped"))
    await other.delete_projection("counter")
    with pytest.raises(NotFoundError):
        await other.get_projection_statistics("counter")
