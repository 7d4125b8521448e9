"""How the pool opens and closes with the app."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from fastapi_esdb import (
    ConnectionClosed,
    Esdb,
    EsdbConnection,
    EsdbNotStarted,
    EsdbSettings,
    InvalidSettings,
    NewEvent,
    connection_of,
    esdb_lifespan,
    esdb_router,
    get_connection,
    on_stopping,
    stop_following,
)
from fastapi_esdb.testing import running
from tests.plugin.apps import app_of, app_with_handlers, app_with_router, plain_app

NOBODY_LISTENS = "esdb://127.0.0.1:1?tls=false"


def asgi(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app")


@pytest.mark.usefixtures("esdb_embedded")
def test_including_the_router_is_enough() -> None:
    """One line opens the pool with the app, and endpoints append and read."""
    with TestClient(app_with_router()) as client:
        assert client.post("/orders/1").json() == {"revision": 0}
        assert client.get("/orders/1").json() == ["OrderPlaced"]


@pytest.mark.usefixtures("esdb_embedded")
def test_the_pool_closes_with_the_app() -> None:
    """After the shut-down nothing is left to be found, and the connection is closed."""
    app = app_with_router()
    with TestClient(app):
        connection = connection_of(app)
    assert connection.state.value == "closed"
    with pytest.raises(EsdbNotStarted):
        connection_of(app)


@pytest.mark.usefixtures("esdb_embedded")
def test_wrapping_gives_the_pool_to_start_up_and_shut_down() -> None:
    """Code before and after the app's `yield` can use the connection."""
    seen: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        esdb = connection_of(app)
        await esdb.wait_connected(10)
        await esdb.append("life", NewEvent("Started", {}))
        yield {"own": "state"}
        await esdb.append("life", NewEvent("Stopped", {}))
        seen.extend([event.type async for event in esdb.read("life")])

    app = plain_app(lifespan=esdb_lifespan(own))
    with TestClient(app) as client:
        assert client.post("/orders/1").status_code == 201
        assert client.app_state["own"] == "state"
    assert seen == ["Started", "Stopped"]


@pytest.mark.usefixtures("esdb_embedded")
def test_the_lifespan_works_alone_and_inside_another_one() -> None:
    """`FastAPI(lifespan=esdb_lifespan)`, and `async with esdb_lifespan(app)` in the app's own."""

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[None]:
        async with esdb_lifespan(app):
            await connection_of(app).wait_connected(10)
            yield

    for lifespan in (esdb_lifespan, own):
        with TestClient(plain_app(lifespan=lifespan)) as client:
            assert client.post("/orders/1").status_code == 201


@pytest.mark.usefixtures("esdb_embedded")
def test_router_and_lifespan_together_and_twice_make_one_pool() -> None:
    """However often the plugin is put in, there is one pool, and it closes once."""
    app = plain_app(lifespan=esdb_lifespan)
    app.include_router(esdb_router)
    app.include_router(esdb_router, prefix="/again")
    with TestClient(app) as client:
        connection = connection_of(app)
        assert client.post("/orders/1").status_code == 201
        assert [client.get(path).status_code for path in ("/health/esdb", "/again/health/esdb")] == [200, 200]
        assert len(client.get("/health/esdb").json()["connections"]) == EsdbSettings(embedded=True).pool_size
    assert connection.state.value == "closed"


def test_an_absent_database_does_not_stop_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app starts, says 503 and goes on trying."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", NOBODY_LISTENS)
    app = app_with_router()
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/health/esdb/ready").status_code == 503
        assert client.get("/health/esdb/live").status_code == 200
        assert client.post("/orders/1").status_code == 500


def test_an_absent_database_stops_the_app_if_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ESDB_REQUIRE_CONNECTION` makes the start fail within its time-out."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", NOBODY_LISTENS)
    monkeypatch.setenv("ESDB_REQUIRE_CONNECTION", "true")
    monkeypatch.setenv("ESDB_START_TIMEOUT", "0.3")
    with pytest.raises(ConnectionClosed) as caught, TestClient(app_with_router()):
        pytest.fail("the app must not start")
    assert caught.value.__notes__ == ["the start waited 0.3 s (ESDB_START_TIMEOUT), as ESDB_REQUIRE_CONNECTION is set"]


def test_a_missing_connection_string_stops_the_start_with_an_example() -> None:
    """Nothing is guessed: the error shows what to set."""
    with pytest.raises(InvalidSettings, match="ESDB_CONNECTION_STRING=esdb://"), TestClient(app_with_router()):
        pytest.fail("the app must not start")


def test_an_app_that_asks_for_it_gets_the_embedded_server() -> None:
    """`embedded=True` stands in where the environment names no database."""
    with TestClient(app_of(Esdb(name="own", embedded=True))) as client:
        assert client.post("/events/a").json() == 0


@pytest.mark.usefixtures("esdb_embedded")
def test_without_a_lifespan_the_error_names_the_ways_out() -> None:
    """TestClient without `with` runs no lifespan: the error says what to do."""
    with pytest.raises(EsdbNotStarted, match=r"include its router.*with TestClient\(app\)"):
        TestClient(app_with_router()).post("/orders/1")


async def test_an_asgi_transport_needs_running() -> None:
    """ASGITransport runs no lifespan; `running` does."""
    app = app_of(esdb := Esdb(name="own", embedded=True))
    async with asgi(app) as client:
        with pytest.raises(EsdbNotStarted, match="'own'"):
            await client.post("/events/a")
        async with running(app):
            await esdb.connection_of(app).wait_connected(10)
            assert (await client.post("/events/a")).json() == 0


@pytest.mark.usefixtures("esdb_embedded")
def test_a_mounted_app_uses_the_pool_of_its_parent() -> None:
    """The lifespan's state reaches sub-apps."""
    parent = FastAPI()
    parent.include_router(esdb_router)
    parent.mount("/sub", plain_app())
    with TestClient(parent) as client:
        assert client.post("/sub/orders/1").status_code == 201


@pytest.mark.usefixtures("esdb_embedded")
def test_a_plugin_in_a_mounted_app_alone_is_reported() -> None:
    """Lifespans of mounted apps never run: a clear error instead of a missing attribute."""
    parent = FastAPI()
    parent.mount("/sub", app_with_router())
    with TestClient(parent) as client, pytest.raises(EsdbNotStarted, match="parent app"):
        client.post("/sub/orders/1")


def test_the_dependency_can_be_overridden_without_any_pool() -> None:
    """Tests of an app put anything in place of the connection."""

    class Fake:
        async def read(self, stream: str) -> AsyncIterator[object]:
            yield type("Event", (), {"type": stream})

    app = app_with_router()
    app.dependency_overrides[get_connection] = Fake
    assert TestClient(app).get("/orders/1").json() == ["order-1"]


def test_two_pools_by_name_live_in_one_app() -> None:
    """Each has its own data, routes and dependency."""
    orders, audit = Esdb(name="orders", embedded=True), Esdb(name="audit", embedded=True)
    app = app_of(orders)
    app.include_router(audit.router)
    with TestClient(app) as client:
        assert orders.connection_of(app) is not audit.connection_of(app)
        for name in ("orders", "audit"):
            assert client.get(f"/health/esdb/{name}/live").status_code == 200
        assert [client.post("/events/a").json() for _ in range(2)] == [0, 1]


def test_the_same_name_twice_in_one_app_is_refused() -> None:
    """Two pools that could be mixed up are an error at the start."""
    app = app_of(Esdb(name="orders", embedded=True))
    app.include_router(Esdb(name="orders", embedded=True).router)
    with pytest.raises(InvalidSettings, match="'orders'"), TestClient(app):
        pytest.fail("the app must not start")


@pytest.mark.parametrize("name", ["", "Orders", "a b", "live", "close"])
def test_a_name_must_fit_into_a_path(name: str) -> None:
    """The name stands in the paths of the health routes."""
    with pytest.raises(InvalidSettings, match="name must be"):
        Esdb(name=name)


def test_a_connection_string_in_place_of_the_settings_is_reported() -> None:
    """The message says what to write instead and does not show the string, which may hold a password."""
    wrong: Any = "esdb://admin:canary@localhost"
    app = app_of(Esdb(wrong))
    with pytest.raises(InvalidSettings, match=r"EsdbSettings\(connection_string=") as caught, TestClient(app):
        pytest.fail("the app must not start")
    assert "canary" not in str(caught.value)


def test_control_is_given_without_depends() -> None:
    """What FastAPI would say about it does not name it."""
    with pytest.raises(InvalidSettings, match=r"control must be a function .* without the Depends"):
        Esdb(control=Depends(lambda: None))


def test_importing_creates_nothing() -> None:
    """No thread, no channel and no setting is read until an app starts, whatever the environment holds."""
    code = (
        "import threading, sys; import fastapi_esdb; fastapi_esdb.esdb_router; fastapi_esdb.get_connection;"
        "assert threading.active_count() == 1, threading.enumerate();"
        "import gc, grpc; assert not [o for o in gc.get_objects() if isinstance(o, grpc.aio.Channel)]"
    )
    environment = {"ESDB_CONNECTION_STRING": "nonsense", "ESDB_POOL_SIZE": "-1"}
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.usefixtures("esdb_embedded")
def test_a_server_that_is_stopped_without_a_signal_can_have_streams_ended() -> None:
    """What endpoints opened ends and nothing of theirs begins any more; what the app opened goes on."""

    told: list[str] = []

    async def followed(app: FastAPI) -> list[str]:
        async with running(app):
            esdb = connection_of(app)
            await esdb.wait_connected(10)
            on_stopping(app, lambda: told.index("a hook that fails keeps no other from its work"))
            on_stopping(app, lambda: told.append("before"))
            stop_following(app)
            on_stopping(app, lambda: told.append("after"))
            await esdb.append("s", NewEvent("Happened", {}))
            async with esdb.subscribe("s") as events, asgi(app) as client:
                return [(await anext(events)).type, (await client.get("/follow")).text]

    app = app_with_handlers()

    @app.get("/follow")
    async def follow(esdb: EsdbConnection) -> None:
        async with esdb.subscribe("s"):
            pytest.fail("nothing begins any more")

    event, answer = asyncio.run(followed(app))
    assert event == "Happened"
    assert json.loads(answer)["status"] == 503
    assert told == ["before", "after"]


@pytest.mark.usefixtures("esdb_embedded")
@pytest.mark.parametrize("told", [False, True])
async def test_a_lifespan_that_is_cancelled_is_left_in_good_order(told: bool) -> None:
    """A server that was told to stop twice does that, which is no error then; for others it is a cancellation."""
    app, ready = app_with_router(), asyncio.Event()

    async def serve() -> None:
        async with running(app):
            ready.set()
            await asyncio.Event().wait()

    serving = asyncio.create_task(serve())
    await ready.wait()
    connection = connection_of(app)
    if told:
        stop_following(app)
    serving.cancel()
    await asyncio.wait([serving])
    assert serving.cancelled() is not told
    assert connection.state.value == "closed"
