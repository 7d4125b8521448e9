"""What OpenAPI says of preconditions and of refused requests, wherever endpoints have any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, routing
from fastapi.openapi.utils import validation_error_definition, validation_error_response_definition

from fastapi_esdb.plugin.conditions import calls_of
from fastapi_esdb.plugin.problems import Problem, described, titles

ETAG = {"ETag": {"description": 'The revision of the stream, as in `"7"`', "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "Where the new stream is found", "schema": {"type": "string"}}}

INVALID: dict[str, Any] = {
    **Problem.model_json_schema(),
    "properties": {
        **Problem.model_json_schema()["properties"],
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "loc": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
                    "detail": {"type": "string"},
                    "type": {"type": "string"},
                },
            },
        },
    },
}
"""The schema of a request that is not valid: each value that is wrong is one of the `errors`."""


def described_with_validation() -> dict[str, Any]:
    """Return what OpenAPI says of 422 where it is a problem, or an answer of FastAPI's own to an invalid request."""
    several = {"type": "array", "items": validation_error_definition}
    errors = {**validation_error_response_definition, "properties": {"detail": several}}
    problem = described(422)
    return {**problem, "content": {"application/json": {"schema": errors}, **problem["content"]}}


def describe_problems(app: FastAPI, *, validation: bool) -> None:
    """Have the app's OpenAPI tell the headers and statuses of preconditions, and 422 as a problem with `validation`."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        schema = make()
        calls = _calls(app)
        for path, methods in schema.get("paths", {}).items():
            for method, operation in methods.items():
                if isinstance(operation, dict):
                    _describe(method, operation, calls.get((path, method), []), validation=validation)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's docs say


def _calls(app: FastAPI) -> dict[tuple[str, str], list[Any]]:
    """Return what FastAPI calls for each path and method: a router may have dependencies, beside those of its routes.

    Of parameters of one name OpenAPI has only one, so those don't tell all that is asked of a request.
    """
    # newer versions of FastAPI keep routers that an app includes as they are, and tell their routes by this function
    routes: Iterable[Any] = getattr(routing, "iter_route_contexts", iter)(app.routes)
    return {
        (route.path_format, method.lower()): list(calls_of(route.dependant))
        for route in routes
        if hasattr(route, "dependant")
        for method in getattr(route, "methods", None) or ()  # a WebSocket has none
    }


def _describe(method: str, operation: dict[str, Any], calls: list[Any], *, validation: bool) -> None:
    responses = operation.get("responses", {})
    headers = {one.get("name", "") for one in operation.get("parameters", ()) if one.get("in") == "header"}
    if {"If-Match", "If-None-Match"} <= headers:
        _describe_conditions(method, responses, is_required=_any_has(calls, "needs_precondition"))
        if _any_has(calls, "needs_stream"):
            responses.setdefault("404", described(404))
    if validation and "application/json" in responses.get("422", {}).get("content", {}):
        responses["422"] = described(422, INVALID)
    for status, response in responses.items():
        if status.isdecimal() and response.get("description") == described(int(status))["description"]:
            response["description"] = titles(int(status), headers)


def _any_has(calls: list[Any], mark: str) -> bool:
    return any(getattr(call, mark, False) is True for call in calls)


def _describe_conditions(method: str, responses: dict[str, Any], *, is_required: bool) -> None:
    is_safe = method in ("get", "head")
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {}).update(ETAG if is_safe else ETAG | LOCATION)
    if is_safe:
        responses.setdefault("304", {"description": "It has not changed", "headers": ETAG})
    for problem in (400, 412, 428) if is_required and not is_safe else (400, 412):
        responses.setdefault(str(problem), described(problem))
