"""Servers that don't let the pool in, for its credentials or for the lack of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.connection import node
from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.state import Admission
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import AccessDenied, NotAuthenticated, ServerNotReady
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.credentials import BearerToken, Credentials
from fastapi_esdb.wire.admin.cluster import NodeState
from tests.support.fake_cluster import FakeCluster
from tests.support.pools import pool_on, settings_for
from tests.support.waiting import PATIENCE, until

ADMIN = Credentials("admin", SecretStr("changeit"))

Told = Callable[[], list[tuple[str, str]]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses are seconds otherwise."""
    monkeypatch.setattr(node, "AGAIN", Backoff(0.02, 0.02))


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(secure=True) as server:
        yield server


@pytest.fixture
async def server_with_tokens() -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(secure=True, tokens={"known": "admin"}) as server:
        yield server


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    """What the log said about credentials: level and text."""
    caplog.set_level(logging.INFO)
    about = ("refuses the credentials", "asks for credentials", "lets calls in")
    return lambda: [(r.levelname, r.message) for r in caplog.records if any(text in r.message for text in about)]


def admission_is(pool: ConnectionPool, admission: Admission) -> Callable[[], bool]:
    return lambda: pool.admission is admission


async def test_a_wrong_password_is_known_before_the_first_call(server: EmbeddedServer, told: Told) -> None:
    """The pool is connected and not ready, which the log says once, however many connections there are."""
    async with pool_on(server.port, user="admin:wrong@", pool_size=3) as pool:
        await until(lambda: pool.stats()["connected"] == 3)
        assert (pool.admission, pool.is_connected, pool.is_ready) == (Admission.REFUSED, True, False)
        with pytest.raises(NotAuthenticated, match="ESDB_PASSWORD"):
            await Connection(pool).read("a").to_list()
        assert await Connection(pool).read_all(limit=1, credentials=ADMIN).to_list()
        assert [level for level, _ in told()] == ["WARNING"]
        assert "default: the server refuses the credentials (ESDB_USERNAME, ESDB_PASSWORD)" in told()[0][1]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (BearerToken("unknown"), "default: the server refuses the credentials that the provider gives: all calls"),
        (None, "default: the server asks for credentials, and the provider gives none: all calls"),
    ],
)
async def test_the_log_names_the_provider_of_credentials(
    server_with_tokens: EmbeddedServer, told: Told, given: BearerToken | None, text: str
) -> None:
    """Where a provider says who calls, no setting is to blame."""

    def provider(_: object) -> BearerToken:
        if given is None:
            raise OSError("no route")
        return given

    async with ConnectionPool(settings_for(server_with_tokens.port, user="").asking(provider)) as pool:
        await until(lambda: pool.is_connected and not pool.is_ready)
        await until(lambda: bool(told()))
        assert told()[0][1].startswith(text)


async def test_a_start_names_the_provider_of_credentials(server_with_tokens: EmbeddedServer) -> None:
    """The start fails, and the error does not lead to settings that nobody has made."""
    settings = settings_for(server_with_tokens.port, user="", require_connection=True)
    with pytest.raises(NotAuthenticated, match="the credentials that the connection's provider gave"):
        await ConnectionPool(settings.calling_as(BearerToken("unknown"))).open()


@pytest.mark.parametrize(("user", "refusal"), [("admin:wrong@", NotAuthenticated), ("", AccessDenied)])
async def test_a_start_that_requires_a_connection_fails(
    server: EmbeddedServer, user: str, refusal: type[Exception]
) -> None:
    """An app that can do nothing does not start, as without a server; the error says which settings to look at."""
    settings = settings_for(server.port, user=user, require_connection=True)
    with pytest.raises(refusal, match=r"credentials") as caught:
        await ConnectionPool(settings).open()
    assert getattr(caught.value, "pool", None) == "default"


async def test_a_server_that_asks_for_credentials_where_there_are_none(server: EmbeddedServer, told: Told) -> None:
    """It tells strangers what it can do, and lets them read nothing."""
    async with pool_on(server.port) as pool:
        assert (pool.admission, pool.is_connected, pool.is_ready) == (Admission.MISSING, True, False)
        with pytest.raises(AccessDenied, match="neither the call nor the connection has credentials"):
            await Connection(pool).read("a").to_list()
        assert await Connection(pool).read_all(limit=1, credentials=ADMIN).to_list()
        assert [level for level, _ in told()] == ["WARNING"]


@pytest.mark.parametrize("user", ["", "admin:changeit@", "admin:wrong@"])
async def test_a_server_without_users_lets_everybody_in(user: str, told: Told) -> None:
    """Whatever the settings say, and it is left as it was."""
    async with EmbeddedServer() as server, pool_on(server.port, user=user) as pool:
        assert pool.is_ready
        assert await Connection(pool).read_all().to_list() == []
        assert not told()


async def test_it_ends_when_the_server_knows_the_password(server: EmbeddedServer, told: Told) -> None:
    """Nobody has to call for that; the log has one line about it."""
    async with pool_on(server.port, user="admin:better@", pool_size=2) as pool:
        await Connection(pool).users.reset_password("admin", "better", credentials=ADMIN)
        await until(lambda: pool.is_ready)
        assert await Connection(pool).read_all(limit=1).to_list()
        assert [level for level, _ in told()] == ["WARNING", "INFO"]


async def test_it_begins_with_a_call_that_is_refused(server: EmbeddedServer, told: Told) -> None:
    """A user who was disabled meanwhile, and enabled again: one line for each, however many calls fail."""
    async with (
        pool_on(server.port, user="ops:changeit@", pool_size=2) as pool,
        pool_on(server.port, user="admin:changeit@") as admin,
    ):
        users, esdb = Connection(admin).users, Connection(pool)
        assert pool.is_ready
        await users.disable("ops")
        for _ in range(20):
            with pytest.raises(NotAuthenticated):
                await esdb.read("a").to_list()
        await until(admission_is(pool, Admission.REFUSED))
        await users.enable("ops")
        await until(lambda: pool.is_ready)
        assert [level for level, _ in told()] == ["WARNING", "INFO"]


async def test_credentials_of_calls_say_nothing_of_the_pools(server: EmbeddedServer, told: Told) -> None:
    """Nor does a right that its user does not have."""
    async with pool_on(server.port, user="ops:changeit@") as pool:
        esdb = Connection(pool)
        with pytest.raises(NotAuthenticated, match="the credentials of the call"):
            await esdb.read("a", credentials=Credentials("admin", SecretStr("wrong"))).to_list()
        with pytest.raises(AccessDenied, match="the credentials of the connection"):
            await esdb.read("$settings").to_list()
        await pool.ping()
        assert pool.is_ready
        assert not told()


async def test_other_settings_end_it(server: EmbeddedServer, told: Told) -> None:
    """A password that was mended in the settings counts from `reconfigure` on."""
    async with pool_on(server.port, user="admin:wrong@") as pool:
        await pool.reconfigure(settings_for(server.port, user="admin:changeit@"))
        assert pool.is_ready
        assert [level for level, _ in told()] == ["WARNING", "INFO"]


async def test_a_close_leaves_nothing_that_asks(server: EmbeddedServer) -> None:
    """And connecting again asks anew."""
    async with pool_on(server.port, user="admin:wrong@") as pool:
        await pool.close()
        assert not pool.is_ready
        await pool.connect()
        assert pool.admission is Admission.REFUSED


async def test_a_node_that_is_starting_is_not_ready(told: Told) -> None:
    """It refuses everybody until it has its users, which says nothing of the credentials."""
    async with FakeCluster(size=1) as cluster:
        [fake] = cluster.nodes
        fake.gate.knows_users = False
        cluster.gossip_of([fake.member(NodeState.INITIALIZING)])
        string = f"esdb://admin:changeit@127.0.0.1:{fake.port}?tls=false"
        async with ConnectionPool(cluster.settings(connection_string=string, pool_size=1)) as pool:
            assert not pool.is_connected
            [error] = [each.last_error for each in pool._generations.nodes]
            assert isinstance(error, ServerNotReady)
            fake.gate.knows_users = True
            await pool.wait_connected(PATIENCE)
            assert pool.is_ready
            assert not told()
