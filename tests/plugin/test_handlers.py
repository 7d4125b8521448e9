"""Our errors as problem details."""

from __future__ import annotations

from uuid import uuid4

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from fastapi_esdb import add_error_handlers, errors
from fastapi_esdb.wire.errors import EsdbError
from tests.plugin.apps import app_with_handlers, app_with_router

CASES: list[tuple[EsdbError, int, str]] = [
    (errors.WrongExpectedRevision("canary", 1, 2), 409, "wrong-expected-revision"),
    (errors.StreamNotFound("canary"), 404, "stream-not-found"),
    (errors.StreamDeleted("canary"), 410, "stream-deleted"),
    (errors.AccessDenied("canary"), 403, "access-denied"),
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


def raising(error: EsdbError, app: FastAPI | None = None) -> FastAPI:
    app = app or FastAPI()
    add_error_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    return app


@pytest.mark.parametrize(("error", "status", "name"), CASES, ids=lambda case: type(case).__name__)
def test_each_error_has_its_problem(error: EsdbError, status: int, name: str) -> None:
    """The status, a type of its own and a fixed title; no text of the error gets out."""
    answer = TestClient(raising(error)).get("/")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() == {"type", "title", "status"}
    assert answer.json()["type"] == f"urn:fastapi-esdb:problem:{name}"
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "canary" not in answer.text


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
    assert answer.json()["type"] == "urn:fastapi-esdb:problem:unavailable"


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
