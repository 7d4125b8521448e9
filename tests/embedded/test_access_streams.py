"""Access lists of streams, enforced on every way to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import AccessDenied, StreamDeleted
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.methods import CREATE_GROUP, GROUP_INFO, READ_GROUP
from fastapi_esdb.wire.groups.values import CreateGroup, GroupConfirmed, GroupName, GroupReadOptions
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.positions import END
from fastapi_esdb.wire.revisions import NO_STREAM
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    AppendOptions,
    AppendResult,
    BatchFragment,
    BatchOptions,
    CaughtUp,
    DeleteRequest,
    ReadRequest,
    StreamMissing,
    SubscriptionConfirmed,
)
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import AppendRecords, Check, Record, SessionAppend
from tests.embedded.secure import ADMIN, JANE, OPS, As, secured
from tests.support.bare_client import BareClient, Metadata, connected, event
from tests.support.waiting import until

Requests = tuple[Any, ...]


@pytest.fixture
async def client() -> AsyncIterator[BareClient]:
    async with secured() as client:
        yield client


@pytest.fixture
def admin(client: BareClient) -> As:
    return As(client, ADMIN)


@pytest.fixture
def jane(client: BareClient) -> As:
    return As(client, JANE)


async def set_acl(admin: As, stream: str, **acl: object) -> None:
    """`r=["jane"]` gives her, and nobody else, the right to read."""
    metadata = json.dumps({"$acl": {f"${key}": names for key, names in acl.items()}}).encode()
    await admin.call(APPEND, AppendOptions(f"$${stream}"), event("$metadata", metadata))


async def set_defaults(admin: As, **acl: object) -> None:
    """The access lists of users' streams that have none of their own."""
    settings = {"$userStreamAcl": {f"${key}": names for key, names in acl.items()}}
    await admin.call(APPEND, AppendOptions("$settings"), event("$settings", json.dumps(settings).encode()))


def record(stream: str = "") -> Record:
    return Record(uuid4(), "T", stream=stream)


WAYS: list[tuple[str, Method[Any, Any], Requests]] = [
    ("r", READ, (ReadRequest("a"),)),
    ("r", READ, (ReadRequest("a", END, subscribe=True),)),
    ("r", APPEND_RECORDS, (AppendRecords((record("b"),), (Check("a", 0),)),)),
    ("w", APPEND, (AppendOptions("a"), event())),
    ("w", APPEND_SESSION, (SessionAppend("b", (record(),)), SessionAppend("a", (record(),)))),
    ("w", APPEND_RECORDS, (AppendRecords((record("b"), record("a"))),)),
    ("d", DELETE, (DeleteRequest("a"),)),
    ("d", TOMBSTONE, (DeleteRequest("a"),)),
    ("mr", READ, (ReadRequest("$$a"),)),
    ("mw", APPEND, (AppendOptions("$$a"), event("$metadata"))),
    ("mw", APPEND_RECORDS, (AppendRecords((record("$$a"),)),)),
]


@pytest.mark.parametrize(("right", "method", "requests"), WAYS)
async def test_each_way_needs_its_right(
    client: BareClient, admin: As, right: str, method: Method[Any, Any], requests: Requests
) -> None:
    """Who is not named is refused."""
    await admin.call(APPEND, AppendOptions("a"), event())
    await set_acl(admin, "a", **{right: ["jane"]})
    with pytest.raises(AccessDenied):
        await As(client, OPS).call(method, *requests)


@pytest.mark.parametrize("user", [JANE, ADMIN])
@pytest.mark.parametrize(("right", "method", "requests"), WAYS)
async def test_the_right_is_enough(
    client: BareClient, admin: As, *, user: Metadata, right: str, method: Method[Any, Any], requests: Requests
) -> None:
    """Who is named is let in, and administrators always are."""
    await admin.call(APPEND, AppendOptions("a"), event())
    await set_acl(admin, "a", **{right: ["jane"]})
    call = await As(client, user).open(method, *requests)
    await call.done_sending()
    assert await call.take(1)
    call.cancel()


async def test_a_right_of_its_own(admin: As, jane: As) -> None:
    """To read a stream is not to write it."""
    await set_acl(admin, "a", r="jane", w=[])
    assert await jane.call(READ, ReadRequest("a")) == [StreamMissing("a")]
    with pytest.raises(AccessDenied):
        await jane.call(APPEND, AppendOptions("a"), event())


async def test_nothing_is_written_without_the_right_to_all_of_it(admin: As, jane: As) -> None:
    """An append to several streams needs it for each."""
    await set_acl(admin, "b", w=[])
    with pytest.raises(AccessDenied):
        await jane.call(APPEND_RECORDS, AppendRecords((record("a"), record("b"))))
    with pytest.raises(AccessDenied):
        await jane.call(APPEND_SESSION, SessionAppend("a", (record(),)), SessionAppend("b", (record(),)))
    assert await jane.call(READ, ReadRequest("a")) == [StreamMissing("a")]


async def test_a_check_of_a_stream_that_is_written(admin: As, jane: As) -> None:
    """Needs no right to read it."""
    await set_acl(admin, "a", r=[], w="jane")
    assert await jane.call(APPEND_RECORDS, AppendRecords((record("a"),), (Check("a", NO_STREAM),)))


@pytest.mark.parametrize("user", [JANE, OPS])
async def test_streams_of_the_system(client: BareClient, user: Metadata) -> None:
    """They, and the log of all events, are for administrators."""
    somebody = As(client, user)
    for request in (ReadRequest(None), ReadRequest(None, subscribe=True), ReadRequest("$users"), ReadRequest("$$$x")):
        with pytest.raises(AccessDenied):
            await somebody.call(READ, request)
    with pytest.raises(AccessDenied):
        await somebody.call(APPEND, AppendOptions("$x"), event())


async def test_the_log_can_be_opened(admin: As, jane: As) -> None:
    """By an access list in the metadata of `$all`."""
    await set_acl(admin, "$all", r="jane")
    assert await jane.call(READ, ReadRequest(None, limit=1))


async def test_nobody_writes_to_the_log(admin: As) -> None:
    """Not even administrators write to `$all` itself, or delete metastreams."""
    with pytest.raises(AccessDenied):
        await admin.call(APPEND, AppendOptions("$all"), event())
    with pytest.raises(AccessDenied):
        await admin.call(DELETE, DeleteRequest("$$a"))


async def test_default_lists(admin: As, jane: As) -> None:
    """`$settings` has the lists of streams without one of their own, from the moment that they are written."""
    await set_defaults(admin, r="$admins", w="$all")
    await jane.call(APPEND, AppendOptions("a"), event())
    with pytest.raises(AccessDenied):
        await jane.call(READ, ReadRequest("a"))
    await set_acl(admin, "a", r="jane")
    assert await jane.call(READ, ReadRequest("a"))


async def test_each_batch_by_itself(admin: As, jane: As) -> None:
    """One that is denied says so, and the others of the call are written."""
    await set_acl(admin, "b", w=[])
    fragments = [BatchFragment(uuid4(), BatchOptions(stream), (event(),)) for stream in ("a", "b", "a")]
    call = await jane.open(BATCH_APPEND, *fragments)
    answers = {answer.correlation_id: answer.result for answer in await call.take(3)}
    assert [type(answers[one.correlation_id]) for one in fragments] == [AppendResult, AccessDenied, AppendResult]


async def test_a_long_batch_call_learns_of_new_lists(admin: As, jane: As) -> None:
    """The list counts that there is when a batch comes."""
    call = await jane.open(BATCH_APPEND, BatchFragment(uuid4(), BatchOptions("a"), (event(),)))
    assert isinstance((await anext(call)).result, AppendResult)
    await set_acl(admin, "a", w=[])
    await call.send(BatchFragment(uuid4(), BatchOptions("a"), (event(),)))
    assert isinstance((await anext(call)).result, AccessDenied)


async def subscribed(jane: As, request: ReadRequest) -> Any:
    """A subscription that has caught up."""
    call = await jane.open(READ, request)
    await call.done_sending()
    while not isinstance(await anext(call), CaughtUp):
        pass
    return call


async def test_a_subscription_ends_with_the_right(admin: As, jane: As) -> None:
    """As soon as the right is taken away, though nothing is written to the stream."""
    call = await subscribed(jane, ReadRequest("a", subscribe=True))
    await admin.call(APPEND, AppendOptions("a"), event())
    assert isinstance(await anext(call), RecordedEvent)
    await set_acl(admin, "a", w=[])
    await admin.call(APPEND, AppendOptions("a"), event())
    assert isinstance(await anext(call), RecordedEvent)
    await set_acl(admin, "a", r=[])
    with pytest.raises(AccessDenied):
        await anext(call)


async def test_a_subscription_ends_with_the_default_right(admin: As, jane: As) -> None:
    """The same goes for the lists of the system, and for the log."""
    await set_acl(admin, "$all", r="jane")
    calls = [await subscribed(jane, ReadRequest(stream, END, subscribe=True)) for stream in ("a", None)]
    await set_defaults(admin, r=[])
    with pytest.raises(AccessDenied):
        await calls[0].all()
    await set_acl(admin, "$all", r=[])
    with pytest.raises(AccessDenied):
        await calls[1].all()


async def test_subscriptions_of_others_go_on(admin: As, jane: As, client: BareClient) -> None:
    """Only who lost the right loses the subscription."""
    call = await subscribed(As(client, OPS), ReadRequest("a", END, subscribe=True))
    of_admin = await subscribed(admin, ReadRequest("a", END, subscribe=True))
    await set_acl(admin, "a", r=["ops"], w="jane")
    await jane.call(APPEND, AppendOptions("a"), event())
    assert isinstance(await anext(call), RecordedEvent)
    assert isinstance(await anext(of_admin), RecordedEvent)


async def test_subscriptions_that_their_clients_leave(jane: As) -> None:
    """Nothing of them stays behind in the server."""
    calls = [await subscribed(jane, ReadRequest("a", subscribe=True)) for _ in range(5)]
    assert len(watching()) == 5
    for call in calls:
        call.cancel()
    await until(lambda: not watching())


def watching() -> list[object]:
    """The tasks that look for rights taken away."""
    return [task for task in asyncio.all_tasks() if "until_denied" in repr(task.get_coro())]


async def test_a_subscription_of_a_missing_right(admin: As, jane: As) -> None:
    """Is not even confirmed."""
    await set_acl(admin, "a", r=[])
    call = await jane.open(READ, ReadRequest("a", subscribe=True))
    await call.done_sending()
    with pytest.raises(AccessDenied):
        await anext(call)


async def test_a_stream_that_ends_under_a_subscription(admin: As, jane: As) -> None:
    """What ends a subscription otherwise still does."""
    call = await subscribed(jane, ReadRequest("a", subscribe=True))
    await admin.call(TOMBSTONE, DeleteRequest("a"))
    assert isinstance(await anext(call), RecordedEvent)
    with pytest.raises(StreamDeleted):
        await anext(call)


async def test_persistent_subscriptions(client: BareClient, admin: As, jane: As) -> None:
    """To consume one takes the right to read its stream; to create it takes an operator."""
    with pytest.raises(AccessDenied):
        await jane.call(CREATE_GROUP, CreateGroup("a", "g"))
    await As(client, OPS).call(CREATE_GROUP, CreateGroup("a", "g"))
    options = GroupReadOptions("a", "g", 10)
    confirmed = await anext(await jane.open(READ_GROUP, options))
    assert isinstance(confirmed, GroupConfirmed)
    await set_acl(admin, "a", r=[])
    with pytest.raises(AccessDenied):
        await anext(await jane.open(READ_GROUP, options))
    assert await jane.call(GROUP_INFO, GroupName("a", "g"))
    with pytest.raises(AccessDenied):
        await client.call(GROUP_INFO, GroupName("a", "g"))


async def test_a_server_without_users_has_no_rights_to_check(server: EmbeddedServer) -> None:
    """Access lists can be written there, and keep nobody out."""
    async with connected(server.address) as client:
        anybody = As(client, [])
        await set_acl(anybody, "a", r=[], w=[], d=[], mr=[], mw=[])
        await anybody.call(APPEND, AppendOptions("a"), event())
        call = await anybody.open(READ, ReadRequest("a", subscribe=True))
        await call.done_sending()
        frames = await call.take(3)
        assert [type(frame) for frame in frames] == [SubscriptionConfirmed, RecordedEvent, CaughtUp]
