"""To create, change, delete and describe consumer groups."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.services.groups.config import BATCH_TOO_LARGE
from fastapi_esdb.wire.admin.operations import RESTART_PERSISTENT_SUBSCRIPTIONS
from fastapi_esdb.wire.errors import (
    AccessDenied,
    GroupDropped,
    GroupExists,
    GroupFailed,
    GroupNotFound,
    InvalidArgument,
)
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.methods import READ_GROUP, RESTART_GROUPS
from fastapi_esdb.wire.groups.values import Ack, ConsumerStrategy
from fastapi_esdb.wire.headers import basic
from fastapi_esdb.wire.positions import END, START, Position
from fastapi_esdb.wire.streams.values import ALL, ReadRequest
from tests.embedded.consuming import EAGER, Groups
from tests.support.bare_client import BareClient, connected


@pytest.fixture
def groups(client: BareClient) -> Groups:
    return Groups(client)


async def test_a_group_exists_once(groups: Groups) -> None:
    """The same name can be used for another source."""
    await groups.create("a")
    with pytest.raises(GroupExists) as raised:
        await groups.create("a")
    assert (raised.value.stream, raised.value.group) == ("a", "g")
    await groups.create("b")
    await groups.create(None)


async def test_what_is_not_there(groups: Groups) -> None:
    """Every call that names a group says that there is none."""
    await groups.create("a", "other")
    for call in (groups.update("a"), groups.delete("a"), groups.info("a"), groups.replay("a"), groups.delete(None)):
        with pytest.raises(GroupNotFound) as raised:
            await call
        assert raised.value.group == "g"


async def test_an_unknown_strategy(groups: Groups) -> None:
    """The answer names it."""
    with pytest.raises(GroupFailed) as raised:
        await groups.create("a", strategy="Nonsense")
    assert raised.value.reason == "Consumer strategy Nonsense does not exist."
    assert await groups.list() == ()


async def test_settings_that_do_not_fit(groups: Groups) -> None:
    """For a new group and for a change, which leaves the group as it was."""
    await groups.create("a")
    for call in (groups.create("b", read_batch_size=500), groups.update("a", read_batch_size=500)):
        with pytest.raises(GroupFailed) as raised:
            await call
        assert raised.value.reason == BATCH_TOO_LARGE
    assert (await groups.info("a")).settings.read_batch_size == 20


async def test_all_is_no_stream(groups: Groups) -> None:
    """A group of `$all` is made by asking for `$all`, and not by its name."""
    for call in (groups.create(ALL), groups.update(ALL), groups.delete(ALL)):
        with pytest.raises(GroupFailed) as raised:
            await call
        assert "$all are only supported" in raised.value.reason


async def test_a_start_behind_the_log(groups: Groups, client: BareClient) -> None:
    """A group of `$all` can't begin where nothing is yet; the last record is good."""
    last = (await client.write("a")).position
    assert last
    await groups.create(None, start=last)
    with pytest.raises(GroupFailed, match="less than or equal to the last commit position"):
        await groups.create(None, "h", start=Position(10**9, 10**9))


async def test_a_filter_that_cannot_be(groups: Groups) -> None:
    """What is wrong in it is told at once."""
    with pytest.raises(InvalidArgument):
        await groups.create(None, chosen=EventFilter(regex="("))
    assert await groups.list() == ()


async def test_a_change_drops_consumers_and_keeps_the_progress(groups: Groups, client: BareClient) -> None:
    """They come back and go on where the group was."""
    await client.write("a", 3)
    await groups.create("a", **EAGER)
    async with groups.consume("a") as consumer:
        await consumer.ack(await consumer.next())
        await groups.until("a", holds=lambda info: info.last_checkpointed == 0)
        await groups.update("a", live_buffer_size=7, strategy=ConsumerStrategy.PINNED)
        with pytest.raises(GroupDropped):
            await consumer.call.all()
    info = await groups.info("a")
    assert (info.settings.live_buffer_size, info.settings.strategy) == (7, ConsumerStrategy.PINNED)
    async with groups.consume("a") as consumer:
        assert await consumer.seen(2) == [(1, 0), (2, 0)]


async def test_a_deleted_group_drops_its_consumers(groups: Groups, client: BareClient) -> None:
    """And forgets how far it was: another one with its name begins anew."""
    await client.write("a", 1)
    await groups.create("a", **EAGER)
    async with groups.consume("a") as consumer:
        await consumer.ack(await consumer.next())
        await groups.until("a", holds=lambda info: info.last_checkpointed == 0)
        await groups.delete("a")
        with pytest.raises(GroupDropped) as raised:
            await consumer.next()
        assert (raised.value.stream, raised.value.group) == ("a", "g")
    await groups.create("a")
    async with groups.consume("a") as consumer:
        assert await consumer.seen(1) == [(0, 0)]


@pytest.mark.parametrize("method", [RESTART_GROUPS, RESTART_PERSISTENT_SUBSCRIPTIONS])
async def test_a_restart_drops_all_consumers(groups: Groups, client: BareClient, method: object) -> None:
    """The groups are there again at once."""
    await client.write("a", 1)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await consumer.next()
        await client.call(method, None)  # type: ignore[arg-type]  # both are calls without a request
        with pytest.raises(GroupDropped):
            await consumer.next()
    async with groups.consume("a") as consumer:
        assert await consumer.seen(1) == [(0, 0)]


async def test_the_list(groups: Groups) -> None:
    """Of one source in the order of creation, of all by their names."""
    for stream, group in (("b", "2"), ("b", "1"), (None, "3"), ("a", "4")):
        await groups.create(stream, group)
    assert [info.group for info in await groups.list("b")] == ["2", "1"]
    assert [info.group for info in await groups.list(ALL)] == ["3"]
    assert [(info.source, info.group) for info in await groups.list()] == [
        (ALL, "3"),
        ("a", "4"),
        ("b", "2"),
        ("b", "1"),
    ]


async def test_the_list_of_a_source_without_groups(groups: Groups, client: BareClient) -> None:
    """A server remembers that there were some, until the groups are restarted."""
    with pytest.raises(GroupNotFound) as raised:
        await groups.list("a")
    assert (raised.value.stream, raised.value.group) == ("a", "")
    await groups.create("a")
    await groups.delete("a")
    assert await groups.list("a") == ()
    await client.call(RESTART_GROUPS, None)
    with pytest.raises(GroupNotFound):
        await groups.list("a")


async def test_the_information_of_a_new_group(groups: Groups, client: BareClient) -> None:
    """Everything that was set, and where it starts."""
    await client.write("a", 3)
    await groups.create("a", start=1, max_subscriber_count=4, message_timeout_ms=1234, extra_statistics=True)
    info = await groups.info("a")
    assert (info.source, info.group, info.start, info.status) == ("a", "g", 1, "Live")
    assert info.settings.max_subscriber_count == 4
    assert info.settings.message_timeout_ms == 1234
    assert (info.last_known, info.last_checkpointed, info.read_buffer_count) == (2, None, 2)


@pytest.mark.parametrize(
    ("stream", "start", "told"),
    [("a", START, 0), ("a", END, END), (None, START, Position(0, 0)), (None, END, END)],
)
async def test_the_start_of_a_group(groups: Groups, stream: str | None, start: object, told: object) -> None:
    """In the form that its source has positions in."""
    await groups.create(stream, start=start)  # type: ignore[arg-type]  # an edge
    assert (await groups.info(stream)).start == told


async def test_the_information_on_consumers(groups: Groups, client: BareClient) -> None:
    """Who they are, what they have, what they may get."""
    await client.write("a", 5)
    await groups.create("a", extra_statistics=True)
    async with groups.consume("a", buffer_size=4, name="mine") as consumer:
        first, *_ = await consumer.take(4)
        await consumer.ack(first)
        await consumer.next()
        info = await groups.info("a")
        [connection] = info.connections
        assert (connection.name, connection.username, connection.address) == ("mine", "system", "")
        assert (connection.in_flight, connection.available_slots, connection.total_items) == (4, 0, 5)
        assert set(connection.measurements) > {"Mean", "Median", "Fastest", "99.9%", "Highest"}
        assert (info.total_items, info.in_flight, info.outstanding) == (5, 4, 4)
    await groups.until("a", holds=lambda info: not info.connections)


async def test_the_information_on_a_live_buffer(groups: Groups, client: BareClient) -> None:
    """New events are kept in it, as many as fit."""
    await groups.create("a", start=END, live_buffer_size=2)
    await client.write("a", 3)
    info = await groups.until("a", holds=lambda info: info.last_known == 2)
    assert (info.live_buffer_count, info.read_buffer_count, info.status) == (2, 3, "Live")


async def test_what_is_written_down(groups: Groups, client: BareClient) -> None:
    """The groups are in a stream of the server's own, the last event holding all of them."""
    await groups.create("a")
    await groups.create(None, "h", chosen=EventFilter(prefixes=("x",)), start=END)
    for change in (groups.update("a", max_retry_count=3), groups.delete(None, "h")):
        await change
    *_, last = await client.read(ReadRequest("$persistentSubscriptionConfig"))
    content = last.json()
    assert last.type == "$PersistentConfig"
    assert content["version"] == "2"
    assert content["updatedBy"] == "system"
    [entry] = content["entries"]
    assert (entry["stream"], entry["group"], entry["startPosition"], entry["maxRetryCount"]) == ("a", "g", "0", 3)


async def test_only_users_on_a_secure_server() -> None:
    """Anonymous callers are refused, whatever they ask for; users are named."""
    async with EmbeddedServer(secure=True) as server, connected(server.address) as client:
        groups = Groups(client)
        for call in (groups.create("a"), groups.info("a"), groups.list(), groups.replay("a"), groups.delete("a")):
            with pytest.raises(AccessDenied):
                await call
        with pytest.raises(AccessDenied):
            async with groups.consume("a"):
                pass
        groups = Groups(client, [("authorization", basic("admin", "changeit"))])
        await groups.create("a")
        async with groups.consume("a"):
            [connection] = (await groups.info("a")).connections
        assert connection.username == "admin"


async def test_consumers_say_what_they_want_first(client: BareClient) -> None:
    """An answer before the options is none."""
    call = client.open(READ_GROUP)
    await call.send(Ack(()))
    with pytest.raises(InvalidArgument, match="options"):
        await anext(call)
