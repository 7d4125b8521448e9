"""What goes wrong, as problem details (RFC 9457): the plugin's own, and the shop's refusals in the same form."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from example_app.orders import Refused
from fastapi_esdb import add_error_handlers


class Problem(BaseModel):
    """A problem, for programs by its `type` and for people by its `title`."""

    type: str
    title: str
    status: int
    detail: str | None = None


def add_problems(app: FastAPI) -> None:
    add_error_handlers(app)
    app.add_exception_handler(Refused, refusal)


async def refusal(_: Request, error: Exception) -> JSONResponse:
    """The rules of the shop say no: 409, since the same request may be right for another state of the order."""
    problem = Problem(type="urn:shop:problem:refused", title="The order does not allow this", status=409)
    body = {**problem.model_dump(), "detail": str(error)}
    return JSONResponse(body, problem.status, media_type="application/problem+json")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for OpenAPI."""
    descriptions = {
        404: "There is no such order",
        409: "The order has changed meanwhile, or does not allow this",
        503: "EventStoreDB is not available",
    }
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": descriptions[status], "content": content} for status in statuses}
