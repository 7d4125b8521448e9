"""The public values in the answers of an app, and in its OpenAPI."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from enum import Enum
from types import GenericAlias
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, create_model

import fastapi_esdb
from fastapi_esdb import (
    ANY,
    START,
    AppendResult,
    Checkpoint,
    EsdbConnection,
    GroupInfo,
    Member,
    NewEvent,
    Position,
    ProjectionMode,
    ProjectionStatistics,
    RecordedEvent,
    StreamAcl,
    StreamMetadata,
    SupportedMethods,
    UserDetails,
    esdb_router,
)
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from tests.support.secure import as_admin
from tests.support.serving import await_connection

NO_VALUES = {
    "BearerToken",
    "CachedCredentials",
    "Codec",
    "Connection",
    "ConnectionPool",
    "Consumer",
    "Decider",
    "Esdb",
    "EventReader",
    "EventStream",
    "EventTypes",
    "FanOut",
    "JointDecision",
    "JsonCodec",
    "Listener",
    "Read",
    "RequestKey",
    "Snapshots",
    "StateCache",
    "StreamRevision",
    "Subscription",
    "SyncConnection",
}
"""Classes of what does something."""


def is_value(kind: Any) -> bool:
    return isinstance(kind, type) and not issubclass(kind, Exception) and kind.__name__ not in NO_VALUES


VALUES: dict[str, type] = {name: kind for name in fastapi_esdb.__all__ if is_value(kind := getattr(fastapi_esdb, name))}


@pytest.fixture(scope="module")
def documented() -> TestClient:
    """An app that answers with each of them, alone, in lists, as a field, and takes it in a request."""
    app = FastAPI()
    for name, kind in VALUES.items():
        several: Any = GenericAlias(list, kind)
        field: Any = create_model(f"Has{name}", value=(kind, ...), values=(several, ...))
        for path, model in ((name, kind), (f"{name}/list", several), (f"{name}/field", field)):
            app.get(f"/{path}", response_model=model)(_nothing)
        _add_taker(app, name, field)
    return TestClient(app)


def _nothing() -> None: ...


def _add_taker(app: FastAPI, name: str, kind: Any) -> None:
    def take(body: kind) -> None: ...

    take.__annotations__["body"] = kind
    app.post(f"/{name}")(take)


def test_values_are_all_but_what_does_something() -> None:
    """So that no new name is left out of these tests."""
    for kind in VALUES.values():
        assert dataclasses.is_dataclass(kind) or issubclass(kind, (Enum, BaseModel))
    assert {"RecordedEvent", "NewEvent", "Position", "AppendResult", "GroupInfo", "StreamState"} <= VALUES.keys()


@pytest.mark.parametrize("name", VALUES)
def test_every_value_is_in_the_schema_of_an_app(documented: TestClient, name: str) -> None:
    """As the answer itself, in a list, as a field of a model, and in requests."""
    paths = documented.get("/openapi.json").json()["paths"]
    answer, several = (
        paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        for path in (f"/{name}", f"/{name}/list")
    )
    assert answer["$ref"].startswith(f"#/components/schemas/{name}")
    assert (several["type"], several["items"]) == ("array", answer)


def test_the_page_of_docs_is_there(documented: TestClient) -> None:
    """With the schema that it shows."""
    assert documented.get("/docs").status_code == 200
    assert documented.get("/openapi.json").status_code == 200


class History(BaseModel):
    stream: str
    events: list[RecordedEvent]
    first: RecordedEvent | None = None


app = FastAPI()
app.include_router(esdb_router)


@app.post("/streams/{stream}")
async def append(stream: str, events: list[NewEvent], esdb: EsdbConnection) -> AppendResult:
    return await esdb.append(stream, events)


@app.get("/streams/{stream}")
async def read(stream: str, esdb: EsdbConnection) -> list[RecordedEvent]:
    return await esdb.read(stream, resolve_links=True).to_list()


@app.get("/histories/{stream}")
async def history(stream: str, esdb: EsdbConnection) -> History:
    events = await esdb.read(stream).to_list()
    return History(stream=stream, events=events, first=events[0])


@app.put("/metadata/{stream}")
async def set_metadata(stream: str, esdb: EsdbConnection) -> StreamMetadata:
    metadata = StreamMetadata(max_count=3, acl=StreamAcl(read=["$all"], write="$admins"), custom={"owner": "sales"})
    await esdb.set_metadata(stream, metadata)
    return await esdb.get_metadata(stream)


@app.get("/groups/{stream}")
async def groups(stream: str, esdb: EsdbConnection) -> tuple[GroupInfo, ...]:
    await esdb.persistent_subscriptions.create(stream, "g", start=START)
    await esdb.persistent_subscriptions.create("$all", "g", start=START)
    return await esdb.persistent_subscriptions.list()


@app.get("/members")
async def members(esdb: EsdbConnection) -> list[Member]:
    return list(await esdb.cluster.members())


@app.get("/projections")
async def projections(esdb: EsdbConnection) -> list[ProjectionStatistics]:
    return list(await esdb.projections.list())


@pytest.fixture
def client(esdb_embedded: None) -> Iterator[TestClient]:
    with TestClient(app) as client:
        await_connection(client)
        yield client


ID = "0d4e6c0a-9df3-4cf0-9b1e-1f2a3b4c5d6e"
PHOTO = base64.b64encode(b"\x00\xff").decode()


def test_events_are_json_on_their_way_in_and_out(client: TestClient) -> None:
    """Data of JSON events as what they are, of others as base64; metadata and positions beside."""
    data, metadata = {"name": "Käse", "lines": [1, 2.5, None]}, {"user": "ada"}
    placed = {"type": "OrderPlaced", "data": data, "metadata": metadata, "id": ID}
    photo = {"type": "Photo", "data": PHOTO, "content_type": "image/png"}
    appended = client.post("/streams/s", json=[placed, photo]).json()
    assert appended["revision"] == 1
    first, second = client.get("/streams/s").json()
    assert first == {
        "id": ID,
        "stream": "s",
        "revision": 0,
        "type": "OrderPlaced",
        "data": data,
        "metadata": metadata,
        "content_type": JSON,
        "created": first["created"],
        "position": first["position"],
        "link": None,
        "retry_count": None,
    }
    assert (second["data"], second["metadata"], second["content_type"]) == (PHOTO, None, OCTET_STREAM)
    assert second["position"] == appended["position"]


def test_events_are_fields_of_models(client: TestClient) -> None:
    """Within a model of the app's own they look the same."""
    client.post("/streams/s", json=[{"type": "OrderPlaced", "data": {}}])
    events = client.get("/streams/s").json()
    assert client.get("/histories/s").json() == {"stream": "s", "events": events, "first": events[0]}


def test_a_link_is_beside_the_event_that_it_points_at(client: TestClient) -> None:
    """Its data is what it points at: no JSON, so base64."""
    client.post("/streams/s", json=[{"type": "OrderPlaced", "data": {"n": 1}}])
    link = {"type": "$>", "data": base64.b64encode(b"0@s").decode(), "content_type": OCTET_STREAM}
    client.post("/streams/links", json=[link])
    [found] = client.get("/streams/links").json()
    assert (found["stream"], found["data"]) == ("s", {"n": 1})
    assert (found["link"]["stream"], found["link"]["type"]) == ("links", "$>")
    assert base64.b64decode(found["link"]["data"]) == b"0@s"
    assert found["link"]["position"] != found["position"]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"type": "", "data": {}}, "type must be a text of at least one character"),
        ({"type": "T", "data": {}, "id": "nonsense"}, "Input should be a valid UUID"),
        ({"type": "T", "data": {}, "content_type": "image/png"}, "must be base64"),
        ({"type": "T", "data": "%", "content_type": "image/png"}, "base64"),
    ],
)
def test_an_event_that_cannot_be_is_the_callers_mistake(client: TestClient, event: Any, problem: str) -> None:
    """422 with the reason, as for every other field."""
    answer = client.post("/streams/s", json=[event])
    assert answer.status_code == 422
    assert problem in answer.text


def test_what_else_servers_tell_can_be_answered(client: TestClient) -> None:
    """Metadata, groups, members and projections, each as a response model."""
    client.post("/streams/s", json=[{"type": "OrderPlaced", "data": {}}])
    metadata = client.put("/metadata/s").json()
    assert (metadata["max_count"], metadata["acl"]["read"], metadata["custom"]) == (3, ["$all"], {"owner": "sales"})
    assert {group["source"] for group in client.get("/groups/s").json()} == {"s", "$all"}
    [member] = client.get("/members").json()
    assert (member["is_alive"], member["state"]) == (True, fastapi_esdb.NodeState.LEADER.value)
    assert {p["mode"] for p in client.get("/projections").json()} == {ProjectionMode.CONTINUOUS}


async def test_users_can_be_answered() -> None:
    """With the time of their last change."""
    async with as_admin() as esdb:
        users = await esdb.users.list()
        supported = await esdb.cluster.supported_methods()
    shown = {user["login_name"]: user for user in TypeAdapter(tuple[UserDetails, ...]).dump_python(users, mode="json")}
    assert shown["jane"]["last_updated"].startswith("20")
    assert TypeAdapter(SupportedMethods).dump_python(supported, mode="json")["version"] == supported.version


async def test_events_come_back_from_the_json_of_an_answer(esdb_server: EmbeddedServer) -> None:
    """A client in Python reads them as what they were."""
    events = TypeAdapter(list[RecordedEvent])
    async with fastapi_esdb.connect(esdb_server.connection_string) as esdb:
        await esdb.wait_connected(10)
        await esdb.append("s", [NewEvent("A", {"n": [1, "ä"]}, {"m": 1}), NewEvent("B", b"\x00\xff")])
        await esdb.append("links", NewEvent("$>", b"0@s"), expected=ANY)
        for stream in ("s", "links"):
            stored = await esdb.read(stream, resolve_links=True).to_list()
            assert events.validate_json(events.dump_json(stored)) == stored
            assert events.validate_python(events.dump_python(stored)) == stored


@pytest.mark.parametrize("data", [b"{not json", b"\xff", b"", b'{"a":NaN}', b"1" * 5000])
def test_what_calls_itself_json_and_is_none_is_shown_as_base64(data: bytes) -> None:
    """No event makes an answer fail: servers don't look into what they are given."""
    shown = json.loads(TypeAdapter(NewEvent).dump_json(NewEvent("T", data, content_type=JSON)))
    assert base64.b64decode(shown["data"]) == data


def test_positions_and_checkpoints_can_be_answered_and_taken() -> None:
    """In requests and answers alike."""
    checkpoint = Checkpoint(Position(5, 4))
    adapter = TypeAdapter(Checkpoint)
    assert adapter.validate_json(adapter.dump_json(checkpoint)) == checkpoint
