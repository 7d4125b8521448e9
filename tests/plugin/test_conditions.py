"""Revisions as ETags, through a real server and a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket

from fastapi_esdb import StreamRevision, add_error_handlers, require_if_match, revision
from tests.support.serving import served

APP = "tests.plugin.conditional_app:app"
CONFLICT = "#wrong-expected-revision"
FAILED = "#precondition-failed"


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with served(APP, {"ESDB_CONNECTION_STRING": "esdb+embedded://"}) as client:
        yield client


@pytest.fixture
def account(http: httpx2.Client) -> str:
    """The path of one with three events: it is at revision 2."""
    path = f"/accounts/{uuid4()}"
    for cents in (1, 2, 3):
        assert http.put(f"{path}/{cents}").status_code == 201
    return path


def folded(http: httpx2.Client) -> int:
    """The events that the app has folded so far."""
    count: int = http.get("/folded").json()
    return count


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """The status, and the end of the type."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, "#" + answer.json()["type"].partition("#")[2]


def test_an_answer_has_the_revision_as_a_strong_etag(http: httpx2.Client, account: str) -> None:
    """That of what was loaded, and after a decision the one that it has made."""
    assert http.get(account).headers["ETag"] == '"2"'
    written = http.put(f"{account}/5")
    assert (written.headers["ETag"], "Location" in written.headers) == ('"3"', False)
    assert http.post(f"{account}/nothing").headers["ETag"] == '"3"'


def test_a_new_stream_has_a_location(http: httpx2.Client) -> None:
    """That of the request that has made it."""
    path = f"/accounts/{uuid4()}/5"
    written = http.put(path)
    assert (written.headers["ETag"], written.headers["Location"]) == ('"0"', path)


@pytest.mark.parametrize("tags", ['"2"', 'W/"2"', '"0", "2"', '"x,y", W/"2",', "*"])
def test_what_has_not_changed_is_not_sent(http: httpx2.Client, account: str, tags: str) -> None:
    """304 with the ETag, before a single event is folded; weak tags count, as proxies make them."""
    before = folded(http)
    answer = http.get(account, headers={"If-None-Match": tags})
    assert (answer.status_code, answer.headers["ETag"], answer.content) == (304, '"2"', b"")
    assert folded(http) == before


@pytest.mark.parametrize("tags", ['"1"', '"22"', '"02"', '""'])
def test_what_has_changed_is_sent(http: httpx2.Client, account: str, tags: str) -> None:
    """200, as without the header."""
    answer = http.get(account, headers={"If-None-Match": tags})
    assert (answer.status_code, answer.json(), answer.headers["ETag"]) == (200, 6, '"2"')


def test_a_header_of_several_lines_is_one_list(http: httpx2.Client, account: str) -> None:
    """RFC 9110 5.3."""
    headers = [("If-None-Match", '"1"'), ("If-None-Match", '"2"')]
    assert http.get(account, headers=headers).status_code == 304


@pytest.mark.parametrize("tags", ['"2"', '"7", "2"', "*"])
def test_a_precondition_that_holds(http: httpx2.Client, account: str, tags: str) -> None:
    """The request is served."""
    answer = http.put(f"{account}/5", headers={"If-Match": tags})
    assert (answer.status_code, answer.json(), answer.headers["ETag"]) == (201, 11, '"3"')


@pytest.mark.parametrize("tags", ['"1"', '"3"', 'W/"2"', '"02"', '"x"', '"0", "1"'])
def test_a_precondition_that_does_not_hold(http: httpx2.Client, account: str, tags: str) -> None:
    """412, and nothing is written; a weak tag never holds (RFC 9110 13.1.1)."""
    answer = http.put(f"{account}/5", headers={"If-Match": tags})
    assert problem(answer) == (412, FAILED)
    assert answer.json()["actual"] == 2
    assert answer.json().get("expected") == {'"1"': 1, '"3"': 3}.get(tags)
    assert http.get(account).headers["ETag"] == '"2"'


def test_only_something_new(http: httpx2.Client, account: str) -> None:
    """`If-None-Match: *` means a stream without events, also as the expectation of the append."""
    new = {"If-None-Match": "*"}
    assert http.put(f"/accounts/{uuid4()}/5", headers=new).status_code == 201
    refused = http.put(f"{account}/5", headers=new)
    assert problem(refused) == (412, FAILED)
    assert (refused.json()["expected"], refused.json()["actual"]) == (-1, 2)


def test_only_something_that_is_there(http: httpx2.Client) -> None:
    """`If-Match: *` does not hold for a stream without events."""
    assert problem(http.put(f"/accounts/{uuid4()}/5", headers={"If-Match": "*"})) == (412, FAILED)


def test_what_is_not_there_is_not_found_whatever_is_expected(http: httpx2.Client) -> None:
    """RFC 9110 13.2.1: preconditions are for what would be served without them."""
    path = f"/accounts/{uuid4()}"
    for headers in ({}, {"If-None-Match": '"1"'}, {"If-Match": '"1"'}):
        assert http.get(path, headers=headers).status_code == 404
    assert http.post(f"{path}/nothing", headers={"If-Match": '"1"'}).status_code == 404


@pytest.mark.parametrize("way", ["raced", "threaded"])
def test_who_is_faster_makes_the_precondition_fail(http: httpx2.Client, account: str, way: str) -> None:
    """The revision is what the append expects: it is not decided again. Without the header it is."""
    answer = http.post(f"{account}/{way}/2", headers={"If-Match": '"2"'})
    assert problem(answer) == (412, FAILED)
    assert (answer.json()["expected"], answer.json()["actual"]) == (2, 3)
    assert http.get(account).json() == 7
    assert http.post(f"{account}/{way}/2").json() == 6
    assert http.post(f"{account}/{way}/2", headers={"If-Match": "*"}).json() == 5


def test_a_conflict_with_another_stream_stays_409(http: httpx2.Client, account: str) -> None:
    """The precondition is not about that one."""
    for headers in ({}, {"If-Match": '"2"'}):
        assert problem(http.post(f"{account}/elsewhere", headers=headers)) == (409, CONFLICT)


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["2", "W/2", '"2', '"1" "2"', "*, *", "", ","])
def test_no_entity_tag(http: httpx2.Client, account: str, header: str, value: str) -> None:
    """400, and what it should be."""
    answer = http.put(f"{account}/5", headers={header: value})
    assert problem(answer) == (400, "#precondition-malformed")
    assert f'{header}: "7"' in answer.json()["detail"]
    assert http.get(account).headers["ETag"] == '"2"'


def test_a_precondition_can_be_required(http: httpx2.Client, account: str) -> None:
    """428 without one; for reading none is needed."""
    assert problem(http.post(f"{account}/strict/1")) == (428, "#precondition-required")
    assert http.post(f"{account}/strict/1", headers={"If-Match": '"2"'}).status_code == 200
    log = f"/logs/{uuid4()}"
    assert problem(http.post(log)) == (428, "#precondition-required")
    assert http.get(log).status_code == 200


def test_an_endpoint_about_two_streams_has_no_etag(http: httpx2.Client, account: str) -> None:
    """Its revision would be that of neither."""
    answer = http.get(f"{account}/and/1", headers={"If-None-Match": '"2"'})
    assert (answer.status_code, "ETag" in answer.headers) == (200, False)


def test_a_stream_without_a_state(http: httpx2.Client) -> None:
    """`revision` does the same for endpoints that append and read themselves."""
    log = f"/logs/{uuid4()}"
    assert "ETag" not in http.get(log).headers
    new = http.post(log, headers={"If-None-Match": "*"})
    assert (new.json(), new.headers["ETag"], new.headers["Location"]) == ({"existed": False, "was": None}, '"0"', log)
    assert http.get(log).headers["ETag"] == '"0"'
    assert http.get(log, headers={"If-None-Match": '"0"'}).status_code == 304
    second = http.post(log, headers={"If-Match": '"0"'})
    assert (second.json(), second.headers["ETag"]) == ({"existed": True, "was": 0}, '"1"')
    assert problem(http.post(log, headers={"If-Match": '"0"'})) == (412, FAILED)
    behind = http.post(log, params={"behind": True}, headers={"If-Match": '"1"'})
    assert problem(behind) == (412, FAILED)
    assert (behind.json()["expected"], behind.json()["actual"]) == (1, 2)


def test_an_answer_of_304_has_no_body_on_the_wire(http: httpx2.Client, account: str) -> None:
    """The next answer of the connection follows it at once."""
    host = http.base_url
    asked = f'GET {account} HTTP/1.1\r\nHost: a\r\nIf-None-Match: "2"\r\n\r\n' * 2
    with socket.create_connection((host.host, host.port or 80), timeout=10) as connection:
        connection.sendall(asked.encode())
        seen = b""
        while seen.count(b"\r\n\r\n") < 2:
            seen += connection.recv(4096)
    first, second, rest = seen.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 304")
    assert second.startswith(b"HTTP/1.1 304")
    assert rest == b""


def test_an_invalid_request_is_a_problem_without_its_values(http: httpx2.Client) -> None:
    """422 in the same form, where the app wants that."""
    answer = http.put("/accounts/1/canary")
    assert problem(answer) == (422, "#invalid-request")
    [error] = answer.json()["errors"]
    assert (error["loc"], error["type"]) == (["path", "cents"], "int_parsing")
    assert "canary" not in str(answer.json()["errors"])


def test_other_answers_of_fastapi_stay(http: httpx2.Client) -> None:
    """Handlers are for our errors only."""
    assert http.get("/teapot").json() == {"detail": "I'm a Teapot"}


@pytest.fixture(scope="module")
def paths(http: httpx2.Client) -> dict[str, Any]:
    schema: dict[str, Any] = http.get("/openapi.json").json()["paths"]
    return schema


def test_openapi_knows_headers_and_statuses(paths: dict[str, Any]) -> None:
    """Of what reads, and of what writes; 404 only where there has to be a stream."""
    show, put_into = paths["/accounts/{number}"]["get"], paths["/accounts/{number}/{cents}"]["put"]
    for operation in (show, put_into):
        assert {"if-match", "if-none-match"} <= {one["name"].lower() for one in operation["parameters"]}
    assert show["responses"].keys() == {"200", "304", "400", "404", "412", "422", "503"}
    assert show["responses"]["200"]["headers"].keys() == {"ETag"}
    assert put_into["responses"].keys() == {"201", "400", "412", "422"}
    assert put_into["responses"]["201"]["headers"].keys() == {"ETag", "Location"}
    assert "headers" not in paths["/teapot"]["get"]["responses"]["200"]


def test_openapi_says_where_a_precondition_is_required(paths: dict[str, Any]) -> None:
    """Of what writes; and the problems of a status are told that the route may have."""
    required = paths["/accounts/{number}/strict/{cents}"]["post"]["responses"]
    assert required["428"]["description"] == "The request must say which revision it is about"
    assert required["400"]["description"] == "The request has a precondition that can't be read"
    assert required["422"]["description"] == "The request is not valid"
    assert "428" not in paths["/accounts/{number}/{cents}"]["put"]["responses"]


def test_openapi_says_where_a_router_requires_a_precondition() -> None:
    """Wherever the dependency stands, and whatever the endpoint itself wants of the same headers."""
    required = [Depends(require_if_match)]
    app, inner, outer = FastAPI(), APIRouter(dependencies=required), APIRouter()
    add_error_handlers(app)

    async def write(log: Annotated[StreamRevision, revision("log-{name}", may_be_new=True)]) -> None: ...

    async def follow(socket: WebSocket) -> None: ...

    inner.post("/inner/{name}")(write)
    outer.post("/outer/{name}")(write)
    outer.websocket("/outer/{name}")(follow)
    app.post("/alone/{name}", dependencies=required)(write)
    app.post("/free/{name}")(write)
    app.include_router(inner, prefix="/in")
    app.include_router(outer, dependencies=required)
    whole = FastAPI(dependencies=required)
    add_error_handlers(whole)
    whole.post("/whole/{name}")(write)
    paths = app.openapi()["paths"] | whole.openapi()["paths"]
    asked = {path for path, methods in paths.items() if "428" in methods["post"]["responses"]}
    assert asked == {"/in/inner/{name}", "/outer/{name}", "/alone/{name}", "/whole/{name}"}


def test_openapi_knows_404_of_each_stream() -> None:
    """Also where another stream of the endpoint may be new."""
    app = FastAPI()
    add_error_handlers(app)

    @app.post("/{name}")
    async def copy(
        source: Annotated[StreamRevision, revision("log-{name}")],
        target: Annotated[StreamRevision, revision("copy-{name}", may_be_new=True)],
    ) -> None: ...

    assert "404" in app.openapi()["paths"]["/{name}"]["post"]["responses"]


def test_openapi_has_problems_in_one_line(paths: dict[str, Any]) -> None:
    """`responses=problems(503)`, those of preconditions, and 422 in the form that it has."""
    responses = paths["/accounts/{number}"]["get"]["responses"]
    for status in ("404", "412", "422", "503"):
        [content] = responses[status]["content"].items()
        assert content[0] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance"} <= content[1]["schema"]["properties"].keys()
    assert responses["404"]["description"] == "The stream does not exist"
    assert "errors" in responses["422"]["content"]["application/problem+json"]["schema"]["properties"]
