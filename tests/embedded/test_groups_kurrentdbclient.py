"""Another client of the same protocol, written by others, consumes groups of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from kurrentdbclient import AsyncKurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import (
    AlreadyExistsError,
    MaximumSubscriptionsReachedError,
    NotFoundError,
)

from fastapi_esdb.embedded.server import EmbeddedServer
from tests.support.waiting import PATIENCE, until


@pytest.fixture
async def other(server: EmbeddedServer) -> AsyncIterator[AsyncKurrentDBClient]:
    client = AsyncKurrentDBClient(server.connection_string)
    await client.connect()
    yield client
    await client.close()


async def write(other: AsyncKurrentDBClient, stream: str, count: int) -> None:
    events = [NewEvent("T", b'{"n": %d}' % number) for number in range(count)]
    await other.append_to_stream(stream, events=events, current_version=StreamState.ANY)


async def take(subscription: Any, count: int) -> Sequence[Any]:
    return [await anext(subscription) for _ in range(count)]


async def test_create_consume_and_acknowledge(other: AsyncKurrentDBClient) -> None:
    """What is acknowledged is not delivered again."""
    await write(other, "a", 4)
    await other.create_subscription_to_stream("g", "a", min_checkpoint_count=1, max_checkpoint_count=1)
    async with await other.read_subscription_to_stream("g", "a") as subscription:
        events = await take(subscription, 4)
        assert [event.stream_position for event in events] == [0, 1, 2, 3]
        assert [event.retry_count for event in events] == [0] * 4
        for event in events[:2]:
            await subscription.ack(event)
    async with await other.read_subscription_to_stream("g", "a") as subscription:
        again = await take(subscription, 2)
        assert [(event.stream_position, event.retry_count) for event in again] == [(2, 1), (3, 1)]


async def test_refuse_and_replay(other: AsyncKurrentDBClient) -> None:
    """A retried event comes again, a parked one when it is asked for."""
    await write(other, "a", 1)
    await other.create_subscription_to_stream("g", "a")
    async with await other.read_subscription_to_stream("g", "a") as subscription:
        event = await anext(subscription)
        await subscription.nack(event, action="retry")
        event = await anext(subscription)
        assert event.retry_count == 1
        await subscription.nack(event, action="park")
        async with asyncio.timeout(PATIENCE):
            while (await other.get_subscription_info("g", "a")).parked_message_count == 0:
                pass
        await other.replay_parked_events("g", "a")
        replayed = await anext(subscription)
        assert replayed.id == event.id
        await subscription.ack(replayed)


async def test_all_with_a_filter(other: AsyncKurrentDBClient) -> None:
    """Its own filter leaves out the events of the system."""
    await other.create_subscription_to_all("g", consumer_strategy="RoundRobin")
    await write(other, "a", 2)
    async with await other.read_subscription_to_all("g") as subscription:
        events = await take(subscription, 2)
    assert [event.stream_name for event in events] == ["a", "a"]


async def test_manage(other: AsyncKurrentDBClient, server: EmbeddedServer) -> None:
    """It changes, lists, describes and deletes groups, and understands what can't be done."""
    await other.create_subscription_to_stream("g", "a", max_subscriber_count=1, message_timeout=7.5)
    with pytest.raises(AlreadyExistsError):
        await other.create_subscription_to_stream("g", "a")
    await other.update_subscription_to_stream("g", "a", max_retry_count=3)
    info = await other.get_subscription_info("g", "a")
    assert (info.event_source, info.group_name, info.max_retry_count) == ("a", "g", 3)
    assert (info.message_timeout, info.max_subscriber_count, info.start_from) == (7.5, 1, "0")
    async with await other.read_subscription_to_stream("g", "a"):
        with pytest.raises(MaximumSubscriptionsReachedError):
            await other.read_subscription_to_stream("g", "a")
    await until(lambda: not server.open_calls)
    assert [one.group_name for one in await other.list_subscriptions()] == ["g"]
    assert [one.group_name for one in await other.list_subscriptions_to_stream("a")] == ["g"]
    await other.delete_subscription("g", "a")
    with pytest.raises(NotFoundError):
        await other.get_subscription_info("g", "a")
