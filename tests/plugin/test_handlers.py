"""Our errors as problem details."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import uuid4

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from pydantic import BaseModel, Field, SecretStr

from fastapi_esdb import (
    NO_STREAM,
    Connection,
    Esdb,
    EsdbSettings,
    NewEvent,
    Problem,
    add_error_handlers,
    connect,
    connection_of,
    errors,
    problems,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.plugin.handlers import problem_of
from fastapi_esdb.plugin.problems import DOCS
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.testing import running
from fastapi_esdb.wire.errors import EsdbError
from tests.plugin.apps import app_with_handlers, app_with_router
from tests.support.waiting import PATIENCE

CASES: list[tuple[EsdbError, int, str]] = [
    (errors.WrongExpectedRevision("canary", 1, 2), 409, "wrong-expected-revision"),
    (errors.StreamNotFound("canary"), 404, "stream-not-found"),
    (errors.StreamDeleted("canary"), 410, "stream-deleted"),
    (errors.AccessDenied("canary"), 502, "not-authorized"),
    (errors.NotAuthenticated("canary"), 502, "not-authenticated"),
    (errors.ConnectionClosed("canary"), 503, "unavailable"),
    (errors.ClosedInFlight("canary"), 503, "unavailable"),
    (errors.ServerNotReady("canary"), 503, "unavailable"),
    (errors.ConnectionLost("canary"), 503, "unavailable"),
    (errors.DeadlineExceeded("canary"), 504, "deadline-exceeded"),
    (errors.NotSentInTime("canary"), 504, "deadline-exceeded"),
    (errors.OutcomeUnknown("canary"), 500, "outcome-unknown"),
    (errors.AppendOutcomeUnknown("canary", 1, [uuid4()]), 500, "outcome-unknown"),
    (errors.AppendClosedInFlight("canary", 1, [uuid4()]), 500, "outcome-unknown"),
    (errors.MaximumAppendSizeExceeded(1), 413, "too-large"),
]


CANARY = "canary-secret"


def raising(error: EsdbError, app: FastAPI | None = None) -> FastAPI:
    app = app or FastAPI()
    add_error_handlers(app)

    @app.get("/{path:path}")
    async def fail() -> None:
        raise error

    return app


@pytest.fixture
async def secure() -> AsyncIterator[EmbeddedServer]:
    """A server that asks for users, among them jane, who is an ordinary one."""
    async with EmbeddedServer(secure=True) as server:
        async with connect(f"esdb://admin:changeit@{server.address}?tls=false") as esdb:
            await esdb.wait_connected(PATIENCE)
            await esdb.users.create("jane", "jane's", full_name="Jane Doe")
        yield server


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """An app whose database is not there."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", f"esdb://someone:{CANARY}@127.0.0.1:1?tls=false")
    return app_with_handlers()


@pytest.mark.parametrize(("error", "status", "name"), CASES, ids=lambda case: type(case).__name__)
def test_each_error_has_its_problem(error: EsdbError, status: int, name: str) -> None:
    """The status, a type of its own and a fixed title; no text of the error gets out."""
    answer = TestClient(raising(error)).get("/")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() == {"type", "title", "status", "instance"}
    assert answer.json()["instance"] == "/"
    assert answer.json()["type"] == f"{DOCS}#{name}"
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "canary" not in answer.text


@pytest.mark.parametrize(("error", "status", "name"), CASES, ids=lambda case: type(case).__name__)
def test_each_answer_of_500_or_above_is_logged_once(
    error: EsdbError, status: int, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With path and error; what is the caller's business is not."""
    TestClient(raising(error)).get("/a%0Db?secret=1")
    lines = [(record.levelname, record.message) for record in caplog.records if record.name == "fastapi_esdb"]
    level = "WARNING" if status in (503, 504) else "ERROR"
    told = f"GET /a%0Db: answered {status}, since {type(error).__name__}: {error}"
    assert lines == ([(level, told)] if status >= 500 else [])


def test_the_line_tells_what_led_to_the_error(absent: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    """Down to what gRPC said; the request is counted with the pool that it needed."""
    with TestClient(absent) as client:
        caplog.clear()
        assert client.post("/orders/1").status_code == 503
        assert client.get("/orders/1").status_code == 503
        assert client.post("/sync/1").status_code == 503
        lines = [record.message for record in caplog.records if "answered" in record.message]
        stats = connection_of(absent).pool.stats()
    assert [line.partition(":")[0] for line in lines] == ["POST /orders/1", "GET /orders/1", "POST /sync/1"]
    assert all("ConnectionClosed: there is no connection" in line for line in lines)
    assert all("ConnectionRefused: " in line and "Connection refused" in line for line in lines)
    assert CANARY not in str(lines)
    assert stats["requests_failed_total"] == 3


def test_each_database_counts_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the call waited for a connection, and where it was refused by a close."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://127.0.0.1:1?tls=false")
    here, audit = Esdb(), Esdb(name="audit")
    app = FastAPI()
    for each in (here, audit):
        app.include_router(each.router)
    add_error_handlers(app)
    depends = Depends(audit.get_connection)

    @app.get("/read")
    async def read(esdb: Connection = depends) -> None:
        await esdb.read("a").to_list()

    @app.get("/wait")
    async def wait(esdb: Connection = depends) -> None:
        await esdb.wait_connected(0)

    @app.get("/close")
    async def close(esdb: Connection = depends) -> None:
        await esdb.close()

    with TestClient(app) as client:
        statuses = [client.get(path).status_code for path in ("/read", "/wait", "/close", "/read")]
        counted = [each.connection_of(app).pool.stats()["requests_failed_total"] for each in (here, audit)]
    assert (statuses, counted) == ([503, 503, 200, 503], [0, 3])


@pytest.mark.usefixtures("esdb_embedded")
def test_an_endpoint_that_conflicts_answers_409() -> None:
    """The handlers work from the append to the answer."""
    with TestClient(app_with_handlers()) as client:
        assert client.post("/orders/1").status_code == 201
        assert client.post("/orders/1").status_code == 409
        assert client.get("/orders/2").status_code == 404


def test_a_close_by_command_is_a_problem_too(esdb_embedded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint answers like every other one that has no connection."""
    monkeypatch.setenv("ESDB_CONTROL_TOKEN", "open-sesame")
    with TestClient(app_with_handlers()) as client:
        client.post("/health/esdb/close", headers={"X-ESDB-Control": "open-sesame"})
        answer = client.post("/orders/1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == f"{DOCS}#unavailable"


@pytest.mark.usefixtures("esdb_embedded")
def test_without_handlers_nothing_is_hidden() -> None:
    """The error reaches the app as it is."""
    with TestClient(app_with_router()) as client, pytest.raises(errors.StreamNotFound):
        client.get("/orders/2")


def test_a_handler_of_the_app_takes_the_place_of_ours() -> None:
    """Also where the app has it before ours are added."""

    async def own(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"own": type(error).__name__}, 409)

    app = raising(errors.StreamNotFound("s"), FastAPI(exception_handlers={errors.StreamNotFound: own}))
    assert TestClient(app).get("/").json() == {"own": "StreamNotFound"}


def test_a_mistake_of_the_application_stays_one() -> None:
    """What no answer to a caller describes is not handled."""
    with pytest.raises(errors.InvalidArgument):
        TestClient(raising(errors.InvalidArgument("no"))).get("/")


class Users:
    """Who calls, to a server that asks for users: the app, or the caller of the app."""

    JANE = Credentials("jane", SecretStr("jane's"))
    STRANGER = Credentials("stranger", SecretStr("wrong"))


APP = {"admin": "admin:changeit@", "jane": "jane:jane's@", "wrong": "admin:wrong@", "nobody": ""}


@pytest.mark.parametrize(
    ("app_is", "caller", "answer"),
    [
        ("admin", None, (200, "")),
        ("admin", Users.JANE, (403, "access-denied")),
        ("admin", Users.STRANGER, (403, "credentials-refused")),
        ("nobody", Users.JANE, (403, "access-denied")),
        ("wrong", Users.JANE, (403, "access-denied")),
        ("jane", None, (502, "not-authorized")),
        ("nobody", None, (502, "not-authorized")),
        ("wrong", None, (502, "not-authenticated")),
    ],
)
async def test_whose_credentials_they_are_decides(
    secure: EmbeddedServer,
    app_is: str,
    caller: Credentials | None,
    answer: tuple[int, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """403 is for credentials that came with the call; what the app itself may not do is its own fault, and logged."""
    esdb = Esdb(EsdbSettings(connection_string=f"esdb://{APP[app_is]}{secure.address}?tls=false"))
    app = FastAPI()
    app.include_router(esdb.router)
    add_error_handlers(app)
    depends = Depends(esdb.get_connection)

    @app.get("/all")
    async def read(connection: Connection = depends) -> None:
        await connection.read_all(limit=1, credentials=caller).to_list()

    @app.post("/system")
    async def append(connection: Connection = depends) -> None:
        await connection.append("$system", NewEvent("Happened", {}), credentials=caller)

    status, name = answer
    async with running(app), AsyncClient(transport=ASGITransport(app), base_url="http://app") as client:
        await esdb.connection_of(app).wait_connected(PATIENCE)
        answers = [await client.get("/all"), await client.post("/system")]
    assert [each.status_code for each in answers] == [status, status]
    assert status == 200 or all(each.json()["type"].endswith(f"#{name}") for each in answers)
    lines = [record.message for record in caplog.records if "answered" in record.message]
    assert len(lines) == (2 if status == 502 else 0)
    assert all("ESDB_USERNAME" in line for line in lines)


async def test_a_wrong_current_password_is_the_callers(secure: EmbeddedServer) -> None:
    """Changing a password has credentials among its arguments."""
    async with connect(f"esdb://jane:jane's@{secure.address}?tls=false") as esdb:
        await esdb.wait_connected(PATIENCE)
        with pytest.raises(errors.AccessDenied) as denied:
            await esdb.users.change_password("jane", "wrong", "new")
    assert problem_of(denied.value).status == 403


def told(error: EsdbError, **options: Any) -> dict[str, Any]:
    """The problem that an error becomes in an app with these options."""
    app = FastAPI()
    add_error_handlers(app, **options)

    @app.get("/{path:path}")
    async def fail() -> None:
        raise error

    body: dict[str, Any] = TestClient(app, root_path="/api").get("/a%20b?secret=1").json()
    return body


CONFLICT = errors.WrongExpectedRevision("s", 3, NO_STREAM)
CHECKS = errors.ConsistencyViolation((errors.Violation(0, "s", 3, 4),))


@pytest.mark.parametrize(
    ("error", "members", "shown"),
    [
        (CONFLICT, {"revisions"}, {"expected": 3, "actual": -1}),
        (CONFLICT, {"revisions", "stream"}, {"stream": "s", "expected": 3, "actual": -1}),
        (CHECKS, {"revisions"}, {"violations": [{"expected": 3, "actual": 4}]}),
        (CHECKS, {"revisions", "stream"}, {"violations": [{"stream": "s", "expected": 3, "actual": 4}]}),
        (CHECKS, set(), {}),
        (errors.StreamNotFound("s"), {"revisions", "stream"}, {"stream": "s"}),
    ],
)
def test_an_app_may_have_a_conflict_tell_more(error: EsdbError, members: set[Any], shown: dict[str, Any]) -> None:
    """What it has allowed, and nothing else."""
    plain = told(error)
    assert told(error, members=members) == {**plain, **shown}
    assert plain.keys() == {"type", "title", "status", "instance"}


def test_a_member_that_there_is_not_is_refused() -> None:
    """When the app is made."""
    with pytest.raises(errors.InvalidArgument, match="members must be of revisions, stream, not data"):
        told(CONFLICT, members={"data"})


def test_the_instance_is_what_was_asked_for() -> None:
    """The path as the client has it, without the query."""
    assert told(CONFLICT)["instance"] == "/api/a%20b"


def test_types_can_lead_elsewhere() -> None:
    """To a page of the app's own."""
    assert told(CONFLICT, docs="https://shop.example/errors")["type"] == (
        "https://shop.example/errors#wrong-expected-revision"
    )


def test_a_handler_of_the_app_for_invalid_requests_stays() -> None:
    """Also with `validation`."""

    async def own(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"own": True}, 400)

    app = FastAPI(exception_handlers={RequestValidationError: own})
    add_error_handlers(app, validation=True)

    @app.get("/{number}")
    async def show(number: int) -> None: ...

    assert TestClient(app).get("/x").json() == {"own": True}


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    name: int


def test_no_value_of_an_invalid_request_is_shown() -> None:
    """Not where pydantic's text has it, either."""
    app = FastAPI()
    add_error_handlers(app, validation=True)

    @app.post("/")
    async def take(pet: Annotated[Cat | Dog, Field(discriminator="kind")]) -> None: ...

    client = TestClient(app)
    for body, where in (({"kind": CANARY}, ["body"]), ({"kind": "dog", "name": CANARY}, ["body", "dog", "name"])):
        answer = client.post("/", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, where)
        assert CANARY not in answer.text


def test_a_problem_of_the_apps_own() -> None:
    """Is answered in the same form, with what members it likes."""
    answer = Problem(type="urn:shop:refused", title="No", status=409, cents=5).response({"Retry-After": "1"})
    assert json.loads(bytes(answer.body)) == {"type": "urn:shop:refused", "title": "No", "status": 409, "cents": 5}
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")
    assert answer.headers["Retry-After"] == "1"
    assert problems(402)[402]["description"] == "Payment Required"
    assert "Retry-After" in problems(503)[503]["headers"]
