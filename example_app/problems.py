"""What goes wrong, as problem details (RFC 9457): the plugin's own, and the shop's refusals in the same form."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from example_app.orders import Refused
from fastapi_esdb import Problem, add_error_handlers


def add_problems(app: FastAPI) -> None:
    add_error_handlers(app, members={"revisions"}, validation=True)
    app.add_exception_handler(Refused, refusal)


async def refusal(_: Request, error: Exception) -> JSONResponse:
    """The rules of the shop say no: 409, since the same request may be right for another state of the order."""
    kind, title = "urn:shop:problem:refused", "The order does not allow this"
    return Problem(type=kind, title=title, status=409, detail=str(error)).response()
