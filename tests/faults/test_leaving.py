"""A server that shuts down says first that nothing new is to begin: GOAWAY with the last stream of all, and NO_ERROR.

What is open stays open for some seconds more, but a subscription gets nothing there. So nobody waits for the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from fastapi_esdb import NewEvent, RecordedEvent, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import GOSSIP, ClusterInfo, Member, NodeState
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import SubscriptionConfirmed
from tests.support.fake_server import Call, FakeServer, Script, message_of, replies
from tests.support.transports import OVER_HTTP2
from tests.support.waiting import PATIENCE, take, until

STREAM = "orders"


def gives_the_first(stored: Sequence[RecordedEvent], may_finish: asyncio.Event) -> Script:
    """Give a subscription to the stream one event and no more, and a read the others once it may finish."""
    first, *rest = [message_of(READ, event) for event in stored]

    async def script(call: Call) -> None:
        request = READ.decode_request(await call.receive() or b"")
        if request.stream != STREAM:
            await call.end()
        if request.subscribe:
            await call.send(message_of(READ, SubscriptionConfirmed("1")))
        await call.send(first)
        await (call.gone if request.subscribe else may_finish).wait()
        for message in rest:
            await call.send(message)
        await call.end()

    return script


def led_by(leader: int, *followers: int) -> Script:
    """Tell by gossip who leads, by ports."""
    roles = {leader: NodeState.LEADER, **dict.fromkeys(followers, NodeState.FOLLOWER)}
    members = [Member(uuid4(), datetime.now(UTC), role, True, "127.0.0.1", port) for port, role in roles.items()]
    return replies(message_of(GOSSIP, ClusterInfo(tuple(members))))


async def stored_events(server: EmbeddedServer) -> list[RecordedEvent]:
    """Three events that are in the stream from now on."""
    async with connect(server.connection_string) as esdb:
        await esdb.append(STREAM, [NewEvent("Placed", {"number": number}) for number in range(3)])
        return [event async for event in esdb.read(STREAM)]


@OVER_HTTP2
async def test_who_hears_that_a_node_leaves_goes_to_another_one(esdb_server: EmbeddedServer) -> None:
    """New calls and subscriptions move at once; a read that is under way is finished where it began."""
    stored, may_finish = await stored_events(esdb_server), asyncio.Event()
    async with FakeServer() as leaving:
        leaving.on(READ, gives_the_first(stored, may_finish))
        leaving.on(GOSSIP, led_by(leaving.port, esdb_server.port))
        async with connect(f"esdb+discover://127.0.0.1:{leaving.port}?tls=false") as esdb:
            await esdb.wait_connected(PATIENCE)
            reading = aiter(esdb.read(STREAM))
            async with esdb.subscribe(STREAM) as following:
                assert [await anext(following), await anext(reading)] == [stored[0]] * 2
                leaving.on(GOSSIP, led_by(esdb_server.port, leaving.port))
                before = len(leaving.calls)
                leaving.leave()
                assert await take(following, 2) == stored[1:]
                await esdb.append(STREAM, NewEvent("Paid", {}), expected=2)
                assert (await anext(following)).revision == 3
            assert {call.path for call in leaving.calls[before:]} <= {GOSSIP.path}
            assert leaving.connections
            may_finish.set()
            assert [event async for event in reading] == stored[1:]
            await until(lambda: not leaving.connections)


@OVER_HTTP2
async def test_a_server_that_wants_a_new_connection_gets_one(esdb_server: EmbeddedServer) -> None:
    """One that limits the age of connections, or a proxy before it: calls and subscriptions go on over another one."""
    stored, may_finish = await stored_events(esdb_server), asyncio.Event()
    async with FakeServer() as server:
        server.on(READ, gives_the_first(stored, may_finish))
        async with connect(server.connection_string) as esdb:
            await esdb.wait_connected(PATIENCE)
            reading = aiter(esdb.read(STREAM))
            async with esdb.subscribe(STREAM) as following:
                assert [await anext(following), await anext(reading)] == [stored[0]] * 2
                server.leave()
                server.on(READ, gives_the_first(stored[1:], may_finish))
                assert await anext(following) == stored[1]
                assert await anext(aiter(esdb.read(STREAM))) == stored[1]
            may_finish.set()
            assert [event async for event in reading] == stored[1:]
