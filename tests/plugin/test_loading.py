"""The state of a stream as an endpoint's parameter."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Path, WebSocket
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from starlette.testclient import WebSocketDenialResponse

from fastapi_esdb import (
    Decided,
    Esdb,
    EsdbSyncDep,
    Loaded,
    add_error_handlers,
    connection_of,
    esdb_router,
    load,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import InvalidArgument
from fastapi_esdb.plugin.problems import DOCS
from fastapi_esdb.testing import running
from tests.api.deciders.accounts import Account, AccountDecider, MutableAccount, put, take

AnAccount = Annotated[Loaded[Account], load("account-{number}", AccountDecider)]
shop = Esdb(name="shop")
ShopAccount = Annotated[Loaded[Account], shop.load("account-{number}", AccountDecider)]
NewOrOld = Annotated[Loaded[Account], load("account-{number}", AccountDecider, may_be_new=True)]
Number = Annotated[str, Path(pattern="^[0-9]+$")]
TwoParts = Annotated[
    Loaded[MutableAccount], load("{bank}_account-{number}", MutableAccount, may_be_new=True, params={"number": Number})
]


def app_with_accounts() -> FastAPI:
    app = FastAPI()
    app.include_router(esdb_router)

    @app.post("/accounts/{number}/put/{cents}")
    async def put_into(cents: int, account: NewOrOld) -> int:
        return (await account.decide(lambda _: put(cents))).state.cents

    @app.post("/accounts/{number}/take/{cents}")
    async def take_from(cents: int, account: AnAccount) -> int:
        return (await account.decide(take, cents)).state.cents

    @app.get("/accounts/{number}")
    def show(account: AnAccount) -> int:
        return account.state.cents

    @app.post("/in-a-thread/{number}")
    def put_in_thread(account: NewOrOld, esdb: EsdbSyncDep) -> int:
        return esdb.decide(account.stream, AccountDecider, lambda _: put(1)).state.cents

    @app.websocket("/accounts/{number}/live")
    async def live(socket: WebSocket, account: AnAccount) -> None:
        await socket.accept()
        await socket.send_json(account.state.cents)
        await socket.send_json((await account.decide(take, 1)).state.cents)
        await socket.close()

    @app.get("/banks/{bank}/{number}")
    async def show_of(account: TwoParts) -> list[Any]:
        return [account.stream, account.exists]

    @app.post("/whole/{number}/put/{cents}")
    async def put_and_tell(cents: int, account: NewOrOld) -> Decided[Account]:
        return await account.decide(lambda _: put(cents))

    @app.get("/whole/{number}")
    async def show_whole(account: NewOrOld) -> Loaded[Account]:
        return account

    return app


@pytest.mark.usefixtures("esdb_embedded")
def test_states_are_answers() -> None:
    """What was loaded and what was decided can be returned whole, and OpenAPI tells the state's fields."""
    with TestClient(app_with_accounts()) as client:
        new = client.get("/whole/1").json()
        decided = client.post("/whole/1/put/5").json()
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert new == {"stream": "account-1", "revision": -1, "state": {"cents": 0, "seen": []}}
    assert (decided["state"]["cents"], decided["revision"]) == (5, 0)
    assert len(decided["events"]) == 1
    assert decided["position"]["commit"] > 0
    [shown] = [schema for name, schema in schemas.items() if name.startswith("Loaded")]
    assert shown["properties"].keys() == {"stream", "state", "revision"}


@pytest.mark.usefixtures("esdb_embedded")
def test_an_endpoint_decides() -> None:
    """By the state of the stream that its path names; a `def` endpoint looks at it."""
    with TestClient(app_with_accounts()) as client:
        assert client.post("/accounts/1/put/5").json() == 5
        assert client.post("/accounts/1/take/3").json() == 2
        assert client.get("/accounts/1").json() == 2
        assert client.post("/in-a-thread/1").json() == 3
        assert client.post("/accounts/2/put/7").json() == 7


@pytest.mark.usefixtures("esdb_embedded")
def test_a_web_socket_decides() -> None:
    """As an endpoint does; it is not opened where there is no such stream."""
    with TestClient(app_with_accounts()) as client:
        client.post("/accounts/1/put/5")
        with client.websocket_connect("/accounts/1/live") as socket:
            assert [socket.receive_json(), socket.receive_json()] == [5, 4]
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/accounts/2/live"):
            pass
    assert refused.value.status_code == 404


@pytest.mark.usefixtures("esdb_embedded")
@pytest.mark.parametrize("has_handlers", [False, True])
def test_a_stream_that_is_not_there(has_handlers: bool) -> None:
    """Is answered with 404, in the form that the app has for such errors."""
    app = app_with_accounts()
    if has_handlers:
        add_error_handlers(app)
    with TestClient(app) as client:
        answer = client.post("/accounts/1/take/3")
    kind = answer.json().get("type")
    assert (answer.status_code, kind) == (404, f"{DOCS}#stream-not-found" if has_handlers else None)


@pytest.mark.usefixtures("esdb_embedded")
def test_several_parts_of_a_path() -> None:
    """Make one name, and are checked as `params` says."""
    with TestClient(app_with_accounts()) as client:
        assert client.get("/banks/ada/12").json() == ["ada_account-12", False]
        assert client.get("/banks/ada/x").status_code == 422


def test_openapi_knows_the_parts_of_the_path() -> None:
    """As if the endpoint had them as parameters."""
    paths = app_with_accounts().openapi()["paths"]
    parameters = [(one["name"], one["in"]) for one in paths["/accounts/{number}"]["get"]["parameters"]]
    assert parameters == [("number", "path"), ("If-Match", "header"), ("If-None-Match", "header")]
    found = {one["name"]: one["schema"] for one in paths["/banks/{bank}/{number}"]["get"]["parameters"]}
    assert found["number"]["pattern"] == "^[0-9]+$"
    assert found["bank"]["type"] == "string"


async def test_the_stream_moves_meanwhile(esdb_server: EmbeddedServer) -> None:
    """The endpoint decides once more, by what the stream holds then."""
    app = app_with_accounts()
    decided_by: list[int] = []

    @app.post("/raced/{number}")
    async def raced(account: NewOrOld) -> int:
        if not decided_by:
            await connection_of(app).append(account.stream, put(10))

        def decide(state: Account) -> Any:
            decided_by.append(state.cents)
            return take(state, 4)

        await connection_of(app).append(account.stream, put(1))
        return (await account.decide(decide)).state.cents

    async with running(app), AsyncClient(transport=ASGITransport(app=app), base_url="http://app") as client:
        await connection_of(app).wait_connected()
        await connection_of(app).append("account-1", put(5))
        answer = await client.post("/raced/1")
    assert (answer.json(), decided_by) == (12, [5, 16])


@pytest.mark.usefixtures("esdb_embedded")
def test_a_database_of_a_name() -> None:
    """Each `Esdb` loads from its own."""
    app = app_with_accounts()
    app.include_router(shop.router)

    @app.get("/shop/{number}")
    async def show(account: ShopAccount) -> int:
        return account.state.cents

    with TestClient(app) as client:
        client.post("/accounts/1/put/5")
        assert (client.get("/accounts/1").status_code, client.get("/shop/1").status_code) == (200, 404)


@pytest.mark.parametrize("stream", ["", "a-{}", "a-{0}", "a-{n.x}", "a-{n!r}", "a-{n:d}", "a-{", "a-{_n}", "a-{n m}"])
def test_names_that_no_path_can_fill(stream: str) -> None:
    """Are refused where they are written, when the app is imported."""
    with pytest.raises(InvalidArgument, match="stream"):
        load(stream, AccountDecider)


def test_what_can_not_be_loaded() -> None:
    """Is refused there as well."""
    with pytest.raises(InvalidArgument, match="params has other"):
        load("account-{number}", AccountDecider, params={"other": str})
    with pytest.raises(InvalidArgument, match="decider must have"):
        load("account-{number}", Account)
