"""Servers that do not come to an end: a limit is a limit, and what makes no progress ends at the deadline."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import repeat
from typing import Any

import grpc
import pytest

from fastapi_esdb import END, Connection, NewEvent, connect
from fastapi_esdb.api import calls
from fastapi_esdb.connection.grpcio import channel_factory
from fastapi_esdb.connection.http2 import transport as http2_transport
from fastapi_esdb.connection.http2.limits import Limits
from fastapi_esdb.errors import AppendOutcomeUnknown
from fastapi_esdb.settings.choices import TransportKind
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.cluster import GOSSIP
from fastapi_esdb.wire.admin.users import USER_DETAILS
from fastapi_esdb.wire.errors import DeadlineExceeded, EsdbError, NoAnswer
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.groups.values import GroupEvent
from fastapi_esdb.wire.projections.methods import PROJECTION_STATISTICS
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, READ
from tests.api.fakes import recorded
from tests.support.fake_server import Call, FakeServer, Script, endless, message_of, stays_open
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, UNANSWERED

pytestmark = OVER_BOTH

EVENT = message_of(READ, recorded(7))
DELIVERED = message_of(READ_GROUP, GroupEvent(recorded(7), 3))
NOTHING = b""
DEADLINE = 300
"""Milliseconds."""
LIMIT = 1024 * 1024
"""Bytes of an answer."""

Making = Callable[[Connection], Awaitable[Any]]


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _little_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it takes no long time to send too much."""
    monkeypatch.setattr(channel_factory, "LARGEST_ANSWER", LIMIT)
    monkeypatch.setattr(http2_transport, "LIMITS", Limits(message=LIMIT))


@pytest.fixture
async def esdb(server: FakeServer) -> AsyncIterator[Connection]:
    settings = EsdbSettings(connection_string=f"{server.connection_string}&defaultDeadline={DEADLINE}")
    async with connect(settings) as connection:
        yield connection


@pytest.mark.parametrize("limit", [1, 20, 21, 100, 1000])
async def test_events_without_end(server: FakeServer, esdb: Connection, limit: int) -> None:
    """A read gives as many as were asked for, and then it is over."""
    server.on(READ, endless(EVENT))
    async with asyncio.timeout(PATIENCE):
        assert len(await esdb.read("s", limit=limit, timeout=PATIENCE).to_list()) == limit
    await asyncio.wait_for(server.of(READ)[0].gone.wait(), PATIENCE)


CALLS: dict[str, Making] = {
    "read": lambda esdb: esdb.read("s").to_list(),
    "read of many": lambda esdb: esdb.read("s", limit=100).to_list(),
    "read of few": lambda esdb: esdb.read("s", limit=5).to_list(),
    "read of all": lambda esdb: esdb.read_all().to_list(),
    "last revision": lambda esdb: esdb.last_revision("s"),
    "metadata": lambda esdb: esdb.get_metadata("s"),
    "subscription": lambda esdb: esdb.subscribe("s").__aenter__(),
    "subscription from the end": lambda esdb: esdb.subscribe("s", after=END).__aenter__(),
    "event of a subscription": lambda esdb: anext(esdb.subscribe_all()),
    "consumer": lambda esdb: esdb.persistent_subscriptions.consume("s", "g").__aenter__(),
    "users": lambda esdb: esdb.users.list(),
    "user": lambda esdb: esdb.users.details("u"),
    "projections": lambda esdb: esdb.projections.list(),
    "statistics": lambda esdb: esdb.projections.statistics("p"),
    "members": lambda esdb: esdb.cluster.members(),
    "append": lambda esdb: esdb.append("s", NewEvent("T", {})),
}


@pytest.mark.parametrize(
    "script",
    [endless(NOTHING), endless(NOTHING, pause=0.02), stays_open(NOTHING)],
    ids=["endless", "endless and slow", "one"],
)
async def test_frames_that_say_nothing(server: FakeServer, esdb: Connection, script: Script) -> None:
    """Are no answers: a call without a time-out ends with an error by the default deadline."""
    server.on_all(script)
    ends = await asyncio.wait_for(asyncio.gather(*map(end_of, CALLS.values(), repeat(esdb))), PATIENCE)
    assert {name: end for name, end in zip(CALLS, ends, strict=True) if not isinstance(end, EsdbError)} == {}


async def end_of(call: Making, esdb: Connection) -> object:
    try:
        return await call(esdb)
    except Exception as error:
        return error


async def test_lists_without_end(server: FakeServer, esdb: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are no lists; with time left, they end at a number that nothing comes to."""
    monkeypatch.setattr(calls, "MOST_ANSWERS", 1000)
    server.on(USER_DETAILS, endless(NOTHING))
    server.on(PROJECTION_STATISTICS, endless(NOTHING))
    for call in (esdb.users.list, esdb.projections.list):
        with pytest.raises(NoAnswer, match="1000 parts"):
            await asyncio.wait_for(call(timeout=PATIENCE / 2), PATIENCE)


async def test_an_event_before_the_confirmation(server: FakeServer, esdb: Connection) -> None:
    """Is the first one that the reader gets, of a subscription and of a consumer."""
    server.on(READ, stays_open(EVENT, EVENT))
    async with asyncio.timeout(PATIENCE), esdb.subscribe("s") as subscription:
        assert [(await anext(subscription)).revision for _ in range(2)] == [7, 7]
        assert subscription.checkpoint == 7
    server.on(READ_GROUP, stays_open(DELIVERED, DELIVERED))
    async with asyncio.timeout(PATIENCE), esdb.persistent_subscriptions.consume("s", "g") as events:
        assert [(await anext(events)).retry_count for _ in range(2)] == [3, 3]


BOMB = gzip.compress(bytes(LIMIT + 1))


async def bomb(call: Call) -> None:
    """Send little that becomes too much."""
    await call.receive()
    call.begin(("grpc-encoding", "gzip"))
    await call.send(BOMB, compressed=True)
    await call.end()


async def huge(call: Call) -> None:
    """Send more than is taken."""
    await call.receive()
    await call.send(bytes(LIMIT + 1))
    await call.gone.wait()


async def announced(call: Call) -> None:
    """Announce much more, and send nothing of it."""
    await call.receive()
    await call.send_raw(b"\x00" + (2**31).to_bytes(4, "big"))
    await call.gone.wait()


@pytest.mark.parametrize("script", [bomb, huge])
async def test_an_answer_that_is_too_large(
    server: FakeServer, esdb: Connection, script: Script, transport: TransportKind
) -> None:
    """Is an answer that can't be read: nothing is said of what was sent, but that its outcome is not known.

    Our own HTTP/2 does not even unpack it.
    """
    is_packed = script is bomb and transport is TransportKind.HTTP2
    await has_no_answer(server, esdb, script, NoAnswer, "compressed" if is_packed else "larger than max")


IS_PATIENT = tuple(map(int, grpc.__version__.split(".")[:2])) < (1, 84)
"""Older versions of grpcio wait for all that is announced; since then it is refused at once."""


async def test_an_answer_that_is_announced_to_be_too_large(
    server: FakeServer, esdb: Connection, transport: TransportKind
) -> None:
    """Is refused, or waited for by gRPC, and by nobody beyond the deadline."""
    if IS_PATIENT and transport is TransportKind.GRPCIO:
        await has_no_answer(
            server, esdb, announced, DeadlineExceeded, "the deadline of the call passed", timeout=UNANSWERED
        )
    else:
        await has_no_answer(server, esdb, announced, NoAnswer, "larger than max")


async def has_no_answer(
    server: FakeServer,
    esdb: Connection,
    script: Script,
    error: type[EsdbError],
    says: str,
    *,
    timeout: float = PATIENCE,
) -> None:
    for method in (GOSSIP, APPEND, BATCH_APPEND):
        server.on(method, script)
    with pytest.raises(error, match=says):
        await esdb.cluster.members(timeout=timeout)
    with pytest.raises(AppendOutcomeUnknown):
        await esdb.append("s", NewEvent("T", {}), timeout=timeout)
