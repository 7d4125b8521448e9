"""What users of a server may do, some of it unexpected: as real servers of versions 24.6.0 and 26.1.0 answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fastapi_esdb import Connection, Credentials, NewEvent, StreamAcl, StreamMetadata, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import AccessDenied, NotAuthenticated, ProjectionFailed
from tests.support.secure import JANE, OPS, credentials
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.filterwarnings("ignore:create_transient:DeprecationWarning")

ADMIN = credentials("admin", "changeit")
WRONG = credentials("jane", "wrong")
UNKNOWN = credentials("nobody", "secret")
OF_ADMIN = "fromStream('$user-admin').when({$init: () => [], $any(s, e) { s.push(e.data) }})"
OF_ALL = "fromAll().when({$init: () => [], $any(s, e) { if (e.streamId === '$user-admin') s.push(e.data) }})"
EMIT = "fromStream('jobs').when({$any() { emit('%s', '%s', %s) }})"
HACKER = '{loginName: "hacker", fullName: "", salt: "", hash: "", disabled: false, groups: ["$admins"]}'

Act = Callable[[Connection, Credentials], Awaitable[object]]


@asynccontextmanager
async def served() -> AsyncIterator[EmbeddedServer]:
    """A server with users that knows `jane`, who is in no group, and has a stream of jobs."""
    async with EmbeddedServer(secure=True) as server, reached(server, "admin:changeit@") as esdb:
        await esdb.users.create("jane", "secret", full_name="Jane Doe")
        await esdb.append("jobs", NewEvent("Begun", {}))
        yield server


@asynccontextmanager
async def reached(server: EmbeddedServer, user: str = "") -> AsyncIterator[Connection]:
    async with connect(f"esdb://{user}{server.address}?tls=false") as esdb:
        await esdb.wait_connected(PATIENCE)
        yield esdb


async def read(esdb: Connection, stream: str, user: Credentials, *, resolve_links: bool = False) -> list[Any]:
    return [event.json() async for event in esdb.read(stream, resolve_links=resolve_links, credentials=user)]


async def read_by_link(esdb: Connection, user: Credentials) -> None:
    link = NewEvent("$>", b"0@$user-admin", content_type="application/octet-stream")
    await esdb.append("own", link, credentials=user)
    [account] = await read(esdb, "own", user, resolve_links=True)
    assert account["loginName"] == "admin"
    assert account["hash"]


async def state_of(esdb: Connection, query: str, user: Credentials) -> list[Any]:
    """What a transient projection has made when it has read everything."""
    await esdb.projections.create_transient("spy", query, credentials=user)
    async with asyncio.timeout(PATIENCE):
        while (await esdb.projections.statistics("spy", credentials=user)).progress < 100:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
    state: list[Any] = await esdb.projections.state("spy", credentials=user)
    return state


async def project_the_account(esdb: Connection, user: Credentials) -> None:
    [account] = await state_of(esdb, OF_ADMIN, user)
    assert account["hash"]


async def project_everything(esdb: Connection, user: Credentials) -> None:
    assert await state_of(esdb, OF_ALL, user) == []


async def emit(esdb: Connection, user: Credentials, stream: str, event_type: str, data: str) -> None:
    query = EMIT % (stream, event_type, data)
    await esdb.projections.create("emitting", query, emit_enabled=True, credentials=user)
    async with asyncio.timeout(PATIENCE), esdb.subscribe(stream, credentials=ADMIN) as written:
        assert (await anext(aiter(written))).type == event_type


async def emit_an_administrator(esdb: Connection, user: Credentials) -> None:
    await emit(esdb, user, "$user-hacker", "$UserCreated", HACKER)
    assert (await esdb.users.details("hacker", credentials=ADMIN)).groups == ("$admins",)


async def emit_settings(esdb: Connection, user: Credentials) -> None:
    await emit(esdb, user, "$settings", "$settings", '{"$systemStreamAcl": {"$r": "$all"}}')
    assert await read(esdb, "$user-admin", JANE)


async def read_all(esdb: Connection, user: Credentials) -> None:
    await esdb.read_all(limit=1, credentials=user).to_list()


async def set_metadata(esdb: Connection, user: Credentials) -> None:
    await esdb.set_metadata("$user-admin", StreamMetadata(acl=StreamAcl(read="$all")), credentials=user)


async def tell_the_server(esdb: Connection, user: Credentials | None) -> None:
    assert await esdb.cluster.server_version(credentials=user)
    assert await esdb.cluster.members(credentials=user)


ORDINARY: list[tuple[str, Act, type[Exception] | None]] = [
    ("reads an account", lambda esdb, user: read(esdb, "$user-admin", user), AccessDenied),
    ("reads the default access lists", lambda esdb, user: read(esdb, "$settings", user), AccessDenied),
    ("reads $all", read_all, AccessDenied),
    (
        "appends to a stream of the system",
        lambda e, u: e.append("$foo", NewEvent("T", {}), credentials=u),
        AccessDenied,
    ),
    ("changes the access list of an account", set_metadata, AccessDenied),
    ("reads an account by a link to it", read_by_link, None),
    ("projects an account", project_the_account, None),
    ("projects everything, which leaves accounts out", project_everything, None),
    ("runs a query once", lambda e, u: e.projections.create_one_time("fromAll()", credentials=u), ProjectionFailed),
    ("keeps a projection", lambda e, u: e.projections.create("p", "fromAll()", credentials=u), ProjectionFailed),
    ("stops $by_category", lambda e, u: e.projections.disable("$by_category", credentials=u), ProjectionFailed),
    ("lists users", lambda esdb, user: esdb.users.list(credentials=user), None),
    ("reads the details of admin", lambda esdb, user: esdb.users.details("admin", credentials=user), None),
    ("lists projections", lambda esdb, user: esdb.projections.list(credentials=user), None),
    ("reads statistics", lambda e, u: e.projections.statistics("$by_category", credentials=u), None),
    (
        "makes a consumer group",
        lambda e, u: e.persistent_subscriptions.create("jobs", "g", start=0, credentials=u),
        AccessDenied,
    ),
]

OPERATORS: list[tuple[str, Act]] = [
    ("emits an administrator", emit_an_administrator),
    ("emits default access lists", emit_settings),
    ("projects an account", project_the_account),
    (
        "makes a consumer group of an account",
        lambda e, u: e.persistent_subscriptions.create("$user-admin", "g", start=0, credentials=u),
    ),
    ("stops $by_category", lambda e, u: e.projections.disable("$by_category", credentials=u)),
]


@pytest.mark.parametrize(("act", "refusal"), [row[1:] for row in ORDINARY], ids=[row[0] for row in ORDINARY])
async def test_an_ordinary_user(act: Act, refusal: type[Exception] | None) -> None:
    """A user in no group."""
    async with served() as server, reached(server, "jane:secret@") as esdb:
        if refusal is None:
            await act(esdb, JANE)
        else:
            with pytest.raises(refusal):
                await act(esdb, JANE)


@pytest.mark.parametrize("act", [row[1] for row in OPERATORS], ids=[row[0] for row in OPERATORS])
async def test_an_operator(act: Act) -> None:
    """A user in the group of operators, who is an administrator to those who know how."""
    async with served() as server, reached(server, "ops:changeit@") as esdb:
        await act(esdb, OPS)


@pytest.mark.parametrize("user", [WRONG, UNKNOWN], ids=["wrong password", "unknown user"])
@pytest.mark.parametrize(
    "act",
    [
        tell_the_server,
        lambda esdb, user: read(esdb, "jobs", user),
        lambda esdb, user: esdb.append("jobs", NewEvent("T", {}), credentials=user),
    ],
    ids=["features and gossip", "read", "append"],
)
async def test_credentials_that_are_wrong(user: Credentials, act: Act) -> None:
    """Refused in every call, also in those that need none."""
    async with served() as server, reached(server) as esdb:
        with pytest.raises(NotAuthenticated):
            await act(esdb, user)


async def test_nobody() -> None:
    """Without credentials a server tells what it is, and nothing else."""
    async with served() as server, reached(server) as esdb:
        await tell_the_server(esdb, None)
        with pytest.raises(AccessDenied):
            await esdb.read("jobs").to_list()
        with pytest.raises(AccessDenied):
            await esdb.append("jobs", NewEvent("T", {}))


async def test_what_goes_on_for_a_disabled_user() -> None:
    """Subscriptions and shared appends that were begun before go on for as long as their calls are open; calls with
    credentials of their own are refused within a second.
    """
    async with served() as server, reached(server, "jane:secret@") as esdb, esdb.subscribe("news") as subscription:
        await esdb.append("news", NewEvent("Before", {}))
        assert (await anext(aiter(subscription))).type == "Before"
        await esdb.users.disable("jane", credentials=ADMIN)
        async with asyncio.timeout(PATIENCE):
            while not await is_refused(esdb):  # noqa: ASYNC110 - servers keep accounts for a moment
                await asyncio.sleep(0.01)
        await esdb.append("news", NewEvent("After", {}))
        assert (await anext(aiter(subscription))).type == "After"


async def is_refused(esdb: Connection) -> bool:
    try:
        await read(esdb, "news", JANE)
    except NotAuthenticated:
        return True
    return False
