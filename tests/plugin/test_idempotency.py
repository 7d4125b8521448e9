"""Idempotency-Key, through a real server and a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.support.serving import served
from tests.support.waiting import eventually

APP = "tests.plugin.idempotent_app:app"


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with served(APP, {"ESDB_CONNECTION_STRING": "esdb+embedded://"}) as client:
        yield client


def key(text: object | None = None) -> dict[str, str]:
    """The header with a key, a new one unless it is given."""
    return {"Idempotency-Key": f'"{text or uuid4()}"'}


def kind(answer: httpx2.Response) -> tuple[int, str]:
    """The status, and the end of the problem's type."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].partition("#")[2]


def same(first: httpx2.Response, second: httpx2.Response) -> bool:
    """Whether two answers are the same in status, body and headers that matter."""
    left_out = {"date", "server", "set-cookie"}
    kept = [sorted(item for item in one.headers.multi_items() if item[0] not in left_out) for one in (first, second)]
    return (first.status_code, first.content, kept[0]) == (second.status_code, second.content, kept[1])


def test_a_repeated_request_is_answered_as_the_first(http: httpx2.Client) -> None:
    """Status, body and headers, and it is carried out once; cookies are not kept."""
    number, header = uuid4(), key()
    first = http.post(f"/v1/log/{number}", json={"cents": 5}, headers=header)
    again = http.post(f"/v1/log/{number}", json={"cents": 5}, headers=header)
    assert (first.status_code, first.json(), "Set-Cookie" in first.headers) == (201, 0, True)
    assert same(first, again)
    assert "Set-Cookie" not in again.headers
    assert http.get(f"/types/log-{number}").json() == ["Logged"]
    assert http.post(f"/v1/log/{number}", json={"cents": 5}, headers=key()).json() == 1


def test_json_is_the_same_in_another_order(http: httpx2.Client) -> None:
    """A client may write it anew."""
    number, header = uuid4(), {**key(), "Content-Type": "application/json"}
    for body in ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}'):
        assert http.post(f"/v1/log/{number}", content=body, headers=header).json() == 0


def test_another_request_with_the_same_key(http: httpx2.Client) -> None:
    """422: the body, the query or the path is another one. Nothing is done."""
    number, header = uuid4(), key()
    path = f"/v1/log/{number}"
    http.post(path, json={"cents": 5}, headers=header)
    assert kind(http.post(path, json={"cents": 6}, headers=header)) == (422, "idempotency-key-reused")
    assert kind(http.post(f"{path}?a=1", json={"cents": 5}, headers=header)) == (422, "idempotency-key-reused")
    assert kind(http.post(f"/v1/log/{uuid4()}", json={"cents": 5}, headers=header)) == (422, "idempotency-key-reused")
    assert http.get(f"/types/log-{number}").json() == ["Logged"]


def test_a_request_without_a_key(http: httpx2.Client) -> None:
    """400; what only reads needs none."""
    assert kind(http.post("/v1/log/1", json={})) == (400, "idempotency-key-missing")
    assert http.get("/v1/calls").status_code == 200


NO_STRINGS = ["abc", '"abc', '""', '"a" "b"', '"a", "b"', "1", "?1", '"a\\b"', f'"{"a" * 256}"']


@pytest.mark.parametrize("value", NO_STRINGS)
def test_a_key_that_is_no_string(http: httpx2.Client, value: str) -> None:
    """400: it is an item of a structured field."""
    assert kind(http.post("/v1/log/1", json={}, headers={"Idempotency-Key": value})) == (
        400,
        "idempotency-key-malformed",
    )


@pytest.mark.parametrize("value", ['"a\\"b\\\\c"', '" "', '"a";b=1', f'"{"a" * 255}"'])
def test_a_key_may_hold_what_a_string_may(http: httpx2.Client, value: str) -> None:
    """Escapes, spaces and parameters."""
    first, again = (http.post("/v1/nothing", headers={"Idempotency-Key": value}) for _ in range(2))
    assert (first.status_code, first.text) == (200, again.text)


def test_each_caller_has_keys_of_their_own(http: httpx2.Client) -> None:
    """Nobody reads another one's answer by their key, nor is kept from using it."""
    number, header = uuid4(), key()
    path = f"/v1/log/{number}"
    assert http.post(path, json={}, headers={**header, "X-User": "jane"}).json() == 0
    assert http.post(path, json={}, headers={**header, "X-User": "joe"}).json() == 1
    assert http.post(path, json={}, headers={**header, "X-User": "stranger"}).status_code == 401
    assert http.post(path, json={}, headers={**header, "X-User": "jane"}).json() == 0


def test_each_route_has_keys_of_its_own(http: httpx2.Client) -> None:
    """The same key means another request there."""
    number, header = uuid4(), key()
    assert http.post(f"/v1/log/{number}", json={}, headers=header).json() == 0
    assert http.post(f"/v1/revisions/{number}", headers=header).json() == [True, 1]


def test_a_request_that_is_on_its_way(http: httpx2.Client) -> None:
    """409 for another one with its key until it is answered, then that answer."""
    header = key()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(http.post, "/v1/held", headers=header)
        eventually(lambda: "hold" in http.get("/v1/calls").json())
        busy = http.post("/v1/held", headers=header)
        http.post("/release")
        assert kind(busy) == (409, "idempotency-key-in-use")
        assert busy.headers["Retry-After"] == "1"
        assert first.result().json() is True
    assert http.post("/v1/held", headers=header).json() is True


def test_an_answer_without_an_append_is_kept_as_well(http: httpx2.Client) -> None:
    """It would be another one otherwise."""
    header = key()
    assert http.post("/v1/nothing", headers=header).text == http.post("/v1/nothing", headers=header).text


def test_what_is_refused_may_be_tried_again(http: httpx2.Client) -> None:
    """An error is no answer to keep: nothing was done."""
    number, header = uuid4(), key()
    path = f"/v1/accounts/{number}/take/5"
    assert http.post(path, headers=header).status_code == 404
    http.post(f"/v1/accounts/{number}/open", headers=key())
    assert http.post(path, headers=header).json() == 95
    assert http.post(path, headers=header).json() == 95
    assert http.post(f"/v1/accounts/{number}/take/200", headers=key()).status_code == 402


def test_openapi_knows_the_header_and_the_statuses(http: httpx2.Client) -> None:
    """Of the routes that take a key, and of no others."""
    paths: dict[str, Any] = http.get("/openapi.json").json()["paths"]
    operation = paths["/v1/orders"]["post"]
    assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}
    assert operation["responses"].keys() == {"201", "400", "409", "422"}
    assert operation["responses"]["422"]["content"].keys() == {"application/json", "application/problem+json"}
    assert "parameters" not in paths["/v1/calls"]["get"]
    assert "409" not in paths["/v1/calls"]["get"]["responses"]
