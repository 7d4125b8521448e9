"""Every public call against a server that answers by chance: a documented error or a right value, in time.

And nothing else falls over: no task dies, none is left, and the connection is there again when the server is well.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import fields
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest

from fastapi_esdb import (
    END,
    NO_STREAM,
    BearerToken,
    Connection,
    NewEvent,
    StreamAcl,
    StreamAppend,
    StreamMetadata,
    connect,
    filters,
)
from fastapi_esdb.api.reading import Read
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS, ClusterInfo, Member, NodeState
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.proto.v1.shared_pb2 import Empty
from tests.support.fake_server import FakeServer, fails, message_of, replies
from tests.support.odd_answers import odd_script
from tests.support.pools import our_tasks
from tests.support.transports import GRPC_POLLER
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.filterwarnings("ignore:create_transient:DeprecationWarning")

DEADLINE = 400
"""Milliseconds that a call has."""
LIMIT = 1.0
"""Seconds that those have who would read for as long as answers come, be that without end."""
ENDLESS = 2 * PATIENCE
"""Seconds until a call counts as one without an end: sixty are made at a time, and the machine may be busy."""
A_WHILE = 0.1
"""Seconds that are waited for the next event of what has no end."""
SHORT = range(2)
LONG = range(1000, 1040)

Making = Callable[[Connection], Any]


def event() -> NewEvent:
    return NewEvent("T", {"a": 1}, {"b": 2})


class Count:
    """A decider that takes any event."""

    initial = 0

    @staticmethod
    def evolve(state: int, event: RecordedEvent) -> int:  # noqa: ARG004 - it counts
        return state + 1


async def decide_jointly(esdb: Connection) -> None:
    async with esdb.decision() as decision:
        await decision.load("t", Count, timeout=LIMIT)
        decision.append("s", event())


CALLS: dict[str, Making] = {
    "load": lambda esdb: esdb.load("s", Count, timeout=LIMIT),
    "load of the past": lambda esdb: esdb.load("s", Count, at_revision=3, timeout=LIMIT),
    "decide": lambda esdb: esdb.decide("s", Count, lambda _: event(), timeout=LIMIT),
    "decision": decide_jointly,
    "append": lambda esdb: esdb.append("s", event(), expected=3),
    "append of several": lambda esdb: esdb.append("s", [event(), event()]),
    "append that is repeated": lambda esdb: esdb.append("s", event(), expected=NO_STREAM, retry_unknown=True),
    "append_records": lambda esdb: esdb.append_records([("s", event())], checks={"t": 3}),
    "append_streams": lambda esdb: esdb.append_streams([StreamAppend("s", event()), StreamAppend("t", event(), 4)]),
    "read": lambda esdb: esdb.read("s", timeout=LIMIT),
    "read of few": lambda esdb: esdb.read("s", limit=7, resolve_links=True),
    "read of more": lambda esdb: esdb.read("s", limit=70),
    "read_all": lambda esdb: esdb.read_all(backwards=True, limit=9),
    "subscribe": lambda esdb: esdb.subscribe("s"),
    "subscribe from the end": lambda esdb: esdb.subscribe("s", after=END),
    "subscribe_all": lambda esdb: esdb.subscribe_all(filter=filters.exclude_system()),
    "delete": lambda esdb: esdb.delete("s"),
    "tombstone": lambda esdb: esdb.tombstone("s", 3),
    "last_revision": lambda esdb: esdb.last_revision("s"),
    "get_metadata": lambda esdb: esdb.get_metadata("s"),
    "set_metadata": lambda esdb: esdb.set_metadata("s", StreamMetadata(max_count=3)),
    "set_default_acl": lambda esdb: esdb.set_default_acl(user_streams=StreamAcl(read="$all")),
    "stats": lambda esdb: esdb.stats(0.01),
    "call": lambda esdb: esdb.call("/a.b/C", b"", answer=Empty),
    "call_streaming": lambda esdb: esdb.call_streaming("/a.b/C", b"", answer=Empty),
    "bound": lambda esdb: esdb.bound(credentials=lambda _: BearerToken("t"), timeout=5).ping(),
    "ping": lambda esdb: esdb.ping(),
    "persistent_subscriptions.create": lambda esdb: esdb.persistent_subscriptions.create("s", "g", start=END),
    "persistent_subscriptions.update": lambda esdb: esdb.persistent_subscriptions.update("s", "g", start=END),
    "persistent_subscriptions.delete": lambda esdb: esdb.persistent_subscriptions.delete("s", "g"),
    "persistent_subscriptions.info": lambda esdb: esdb.persistent_subscriptions.info("s", "g"),
    "persistent_subscriptions.list": lambda esdb: esdb.persistent_subscriptions.list(),
    "persistent_subscriptions.replay_parked": lambda esdb: esdb.persistent_subscriptions.replay_parked("s", "g"),
    "persistent_subscriptions.truncate_parked": lambda esdb: esdb.persistent_subscriptions.truncate_parked("s", "g"),
    "persistent_subscriptions.restart": lambda esdb: esdb.persistent_subscriptions.restart(),
    "persistent_subscriptions.consume": lambda esdb: esdb.persistent_subscriptions.consume("s", "g"),
    "projections.create": lambda esdb: esdb.projections.create("p", "fromAll()"),
    "projections.create_transient": lambda esdb: esdb.projections.create_transient("p", "fromAll()"),
    "projections.create_one_time": lambda esdb: esdb.projections.create_one_time("fromAll()"),
    "projections.update": lambda esdb: esdb.projections.update("p", "fromAll()"),
    "projections.delete": lambda esdb: esdb.projections.delete("p"),
    "projections.enable": lambda esdb: esdb.projections.enable("p"),
    "projections.disable": lambda esdb: esdb.projections.disable("p"),
    "projections.abort": lambda esdb: esdb.projections.abort("p"),
    "projections.reset": lambda esdb: esdb.projections.reset("p"),
    "projections.state": lambda esdb: esdb.projections.state("p"),
    "projections.result": lambda esdb: esdb.projections.result("p"),
    "projections.statistics": lambda esdb: esdb.projections.statistics("p"),
    "projections.list": lambda esdb: esdb.projections.list(),
    "projections.restart": lambda esdb: esdb.projections.restart(),
    "users.create": lambda esdb: esdb.users.create("u", "p"),
    "users.update": lambda esdb: esdb.users.update("u", full_name="U"),
    "users.delete": lambda esdb: esdb.users.delete("u"),
    "users.enable": lambda esdb: esdb.users.enable("u"),
    "users.disable": lambda esdb: esdb.users.disable("u"),
    "users.change_password": lambda esdb: esdb.users.change_password("u", "p", "q"),
    "users.reset_password": lambda esdb: esdb.users.reset_password("u", "q"),
    "users.details": lambda esdb: esdb.users.details("u"),
    "users.list": lambda esdb: esdb.users.list(),
    "operations.start_scavenge": lambda esdb: esdb.operations.start_scavenge(),
    "operations.stop_scavenge": lambda esdb: esdb.operations.stop_scavenge(),
    "operations.scavenge_progress": lambda esdb: esdb.operations.scavenge_progress("x"),
    "operations.merge_indexes": lambda esdb: esdb.operations.merge_indexes(),
    "operations.set_node_priority": lambda esdb: esdb.operations.set_node_priority(1),
    "operations.resign_node": lambda esdb: esdb.operations.resign_node(),
    "operations.shutdown": lambda esdb: esdb.operations.shutdown(),
    "operations.restart_persistent_subscriptions": lambda esdb: esdb.operations.restart_persistent_subscriptions(),
    "cluster.members": lambda esdb: esdb.cluster.members(),
    "cluster.supported_methods": lambda esdb: esdb.cluster.supported_methods(),
    "cluster.server_version": lambda esdb: esdb.cluster.server_version(),
}
PARTS = ("persistent_subscriptions", "projections", "users", "operations", "cluster")
NO_CALLS = {"append_session", "close", "connect", "reconnect", "wait_connected", "on_connect", "on_disconnect"}
"""What asks nothing of a server, most of which the tests below make use of; and what goes by another name now."""


def test_all_calls_are_made() -> None:
    """None of the public ones is left out."""
    esdb = Connection(ConnectionPool(EsdbSettings(connection_string="esdb://127.0.0.1")))
    made = {name.partition(" ")[0] for name in CALLS}
    assert public(Connection) - NO_CALLS <= made
    for part in PARTS:
        assert {f"{part}.{name}" for name in public(getattr(esdb, part))} <= made


def public(part: object) -> set[str]:
    return {name for name, found in inspect.getmembers(part) if callable(found) and not name.startswith("_")}


async def come_of(making: Making, esdb: Connection) -> None:
    """Make a call and look at all that comes of it."""
    found = making(esdb)
    if inspect.iscoroutine(found):
        look_at(await found)
    elif isinstance(found, Read):
        look_at(await found.to_list())
    else:
        await follow(found)


async def follow(found: Any) -> None:
    """Look at the first of what has no end."""
    try:
        async with found:
            for _ in range(5):
                try:
                    async with asyncio.timeout(A_WHILE):
                        got = await anext(found)
                except TimeoutError:
                    return
                look_at(got)
                if hasattr(found, "ack"):
                    await found.ack(got)
                    await found.nack(got)
    except StopAsyncIteration:
        pass


def look_at(found: object) -> None:
    """Read every part of it."""
    assert isinstance(repr(found), str)
    if isinstance(found, RecordedEvent):
        for part in (*(field.name for field in fields(found)), "original", "is_unresolved_link"):
            with suppress(EsdbError):
                getattr(found, part)
        for read in (found.json, found.json_metadata):
            with suppress(EsdbError, json.JSONDecodeError):
                read()
    elif isinstance(found, list | tuple):
        for one in islice(found, 100):
            look_at(one)


class Fuzzed:
    """A server that answers by chance, and all connections to it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.server = FakeServer()
        self.failures: list[str] = []
        asyncio.get_running_loop().set_exception_handler(self._note)

    def _note(self, _: object, told: dict[str, Any]) -> None:
        """What gRPC's own poller says of the loops of earlier tests is no failure of this one."""
        if GRPC_POLLER not in str(told):
            self.failures.append(str(told))

    def answer_oddly(self, *but: Method[Any, Any]) -> None:
        for method in all_methods():
            if method not in but:
                self.server.on(method, odd_script(self.chance, method))

    def answer_well(self) -> None:
        for method in all_methods():
            self.server.on(method, fails(12))
        self.server.answer_probes()
        here = Member(uuid4(), datetime.now(UTC), NodeState.LEADER, True, "127.0.0.1", self.server.port)
        self.server.on(GOSSIP, replies(message_of(GOSSIP, ClusterInfo((here,)))))

    def settings(self, mode: AppendMode, *, in_cluster: bool = False, **options: Any) -> EsdbSettings:
        hosts = ",".join(f"{name}:{self.server.port}" for name in ("127.0.0.1", "localhost")[: 1 + in_cluster])
        string = f"esdb://{hosts}?tls=false&defaultDeadline={DEADLINE}"
        return EsdbSettings(connection_string=string, append_mode=mode, retry_interval=0.05, **options)


@pytest.fixture
async def fuzzed(request: pytest.FixtureRequest) -> AsyncIterator[Fuzzed]:
    """Fails what a task has died of."""
    made = Fuzzed(request.node.callspec.params["seed"])
    async with made.server:
        yield made
    assert made.failures == []
    assert our_tasks() == []


async def make_all(esdb: Connection) -> None:
    ends = dict(zip(CALLS, await asyncio.gather(*(end_of(making, esdb) for making in CALLS.values())), strict=True))
    assert {name: end for name, end in ends.items() if not (end is None or isinstance(end, EsdbError))} == {}
    assert all(str(end) and repr(end) for end in ends.values())


async def end_of(making: Making, esdb: Connection) -> Exception | None:
    """The error that a call ends with; `None` for one with a value."""
    try:
        await asyncio.wait_for(come_of(making, esdb), ENDLESS)
    except Exception as error:
        return error
    return None


async def calls_against_odd_answers(fuzzed: Fuzzed) -> None:
    """The connection is made, then the answers become odd, then the server is well again."""
    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(connect(fuzzed.settings(mode)))
            for mode in (AppendMode.SHARED, AppendMode.GROUPED, AppendMode.SINGLE)
        ]
        fuzzed.answer_oddly(SUPPORTED_METHODS)
        for esdb in connections:
            await make_all(esdb)
        fuzzed.answer_well()
        for esdb in connections:
            await esdb.wait_connected(ENDLESS)
            await esdb.ping(ENDLESS)


async def connecting_to_odd_answers(fuzzed: Fuzzed, *, in_cluster: bool) -> None:
    """Probes and gossip are odd from the start."""
    fuzzed.answer_oddly()
    settings = fuzzed.settings(AppendMode.SHARED, in_cluster=in_cluster, connect_timeout=0.5)
    async with asyncio.timeout(ENDLESS), connect(settings) as esdb:
        await make_all(esdb)
        await esdb.reconnect()
        fuzzed.answer_well()
        await esdb.wait_connected(ENDLESS)
        await esdb.ping(ENDLESS)


@pytest.mark.parametrize("seed", SHORT)
async def test_calls(fuzzed: Fuzzed, seed: int) -> None:
    """Each ends with an error of ours or a value whose parts can all be read, in every mode of appends."""
    await calls_against_odd_answers(fuzzed)


@pytest.mark.parametrize("in_cluster", [False, True], ids=["one node", "cluster"])
@pytest.mark.parametrize("seed", SHORT)
async def test_connecting(fuzzed: Fuzzed, seed: int, in_cluster: bool) -> None:
    """It goes on until the server is well."""
    await connecting_to_odd_answers(fuzzed, in_cluster=in_cluster)


@pytest.mark.slow
@pytest.mark.parametrize("seed", LONG)
async def test_many_calls(fuzzed: Fuzzed, seed: int) -> None:
    """The same, for longer."""
    await calls_against_odd_answers(fuzzed)


@pytest.mark.slow
@pytest.mark.parametrize("in_cluster", [False, True], ids=["one node", "cluster"])
@pytest.mark.parametrize("seed", LONG)
async def test_connecting_often(fuzzed: Fuzzed, seed: int, in_cluster: bool) -> None:
    """The same, for longer."""
    await connecting_to_odd_answers(fuzzed, in_cluster=in_cluster)
