"""Pausing, resuming and resetting consumers by HTTP."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_esdb import Esdb, EsdbDep, NewEvent, RecordedEvent
from fastapi_esdb.consumers import ConsumerState, Park
from tests.support.waiting import eventually

TOKEN = "open-sesame"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CONSUMERS = "/health/esdb/consumers"


@pytest.fixture
def seen() -> list[int]:
    return []


@pytest.fixture
def esdb(esdb_embedded: None, seen: list[int]) -> Esdb:
    esdb = Esdb()

    @esdb.consumer("c", "s")
    async def handle(event: RecordedEvent) -> None:
        seen.append(event.revision)

    return esdb


@pytest.fixture
def app(esdb: Esdb) -> FastAPI:
    app = FastAPI()
    app.include_router(esdb.router)

    @app.post("/events")
    async def append(connection: EsdbDep) -> int:
        return (await connection.append("s", NewEvent("N", {}))).revision

    return app


@pytest.fixture
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESDB_CONTROL_TOKEN", TOKEN)


@pytest.mark.parametrize("command", ["pause", "resume", "reset?to=start", "dead-letters/replay", "dead-letters/drop"])
def test_without_a_token_the_routes_do_not_exist(app: FastAPI, command: str) -> None:
    """404, and not in OpenAPI."""
    with TestClient(app) as client:
        assert client.post(f"{CONSUMERS}/c/{command}", headers=BEARER).status_code == 404
        assert client.get(f"{CONSUMERS}/c/dead-letters", headers=BEARER).status_code == 404
        assert not [path for path in client.get("/openapi.json").json()["paths"] if "consumers" in path]


@pytest.mark.usefixtures("_token")
def test_nobody_without_the_token_is_let_in(app: FastAPI) -> None:
    """401, and 405 for other methods, as for closing."""
    with TestClient(app) as client:
        assert client.post(f"{CONSUMERS}/c/pause").status_code == 401
        assert client.get(f"{CONSUMERS}/c/pause").status_code == 405


@pytest.mark.usefixtures("_token")
def test_a_consumer_is_paused_resumed_and_reset(app: FastAPI, esdb: Esdb, seen: list[int]) -> None:
    """The answer shows the consumer."""
    consumer = esdb.consumers["c"]
    with TestClient(app, headers=BEARER) as client:
        eventually(lambda: consumer.state is ConsumerState.RUNNING)
        client.post("/events")
        eventually(lambda: seen == [0])
        assert client.post(f"{CONSUMERS}/c/pause").json()["name"] == "c"
        eventually(lambda: consumer.state is ConsumerState.PAUSED)
        client.post("/events")
        assert client.post(f"{CONSUMERS}/c/reset?to=start").status_code == 202
        assert client.post(f"{CONSUMERS}/c/resume").status_code == 202
        eventually(lambda: seen == [0, 0, 1])
        assert "/health/esdb/consumers/{consumer}/reset" in client.get("/openapi.json").json()["paths"]


@pytest.mark.usefixtures("_token")
def test_what_can_not_be_is_refused(app: FastAPI) -> None:
    """A consumer that there is none of, and a place that its source can't have."""
    with TestClient(app, headers=BEARER) as client:
        assert client.post(f"{CONSUMERS}/x/pause").status_code == 404
        assert client.post(f"{CONSUMERS}/c/reset?to=C:1/P:1").status_code == 422
        assert client.post(f"{CONSUMERS}/c/reset").status_code == 422


@pytest.mark.usefixtures("_token")
def test_dead_letters_are_listed_replayed_and_dropped(app: FastAPI, esdb: Esdb, seen: list[int]) -> None:
    """All of them or by their numbers; a number that is none is refused."""
    failing = {0, 1, 2}

    @esdb.consumer("parking", "s", on_error={ValueError: Park})
    async def handle(event: RecordedEvent) -> None:
        if event.revision in failing:
            raise ValueError(f"no {event.revision}")
        seen.append(event.revision + 100)

    letters = f"{CONSUMERS}/parking/dead-letters"
    with TestClient(app, headers=BEARER) as client:
        assert client.get(letters, headers={"Authorization": ""}).status_code == 401
        for _ in range(3):
            client.post("/events")
        eventually(lambda: len(client.get(letters).json()) == 3)
        listed = client.get(letters).json()
        assert [(letter["number"], letter["message"]) for letter in listed] == [(0, "no 0"), (1, "no 1"), (2, "no 2")]
        assert [letter["number"] for letter in client.get(letters, params={"limit": 1, "after": 0}).json()] == [1]
        failing.clear()
        assert client.post(f"{letters}/replay?number=1").json() == {"settled": 1}
        assert 101 in seen
        assert client.post(f"{letters}/drop?number=1").status_code == 422
        assert client.post(f"{letters}/drop").json() == {"settled": 2}
        assert client.get(letters).json() == []
        assert client.get(f"{CONSUMERS}/nobody/dead-letters").status_code == 404
        paths = client.get("/openapi.json").json()["paths"]
        assert "/health/esdb/consumers/{consumer}/dead-letters" in paths
