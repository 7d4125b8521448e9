"""The whole shop, wired up: `uvicorn example_app.main:app`, or `make run`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse

from example_app import live, mails, routes, views
from example_app.database import shop
from example_app.orders import Refused
from fastapi_esdb import Problem, add_error_handlers

PAGE = Path(__file__).with_name("page.html")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, views.OrderBook]]:
    """Each process begins with an empty list of orders, which its consumer fills."""
    yield {"orders": views.OrderBook()}


app = FastAPI(title="A small shop of orders", lifespan=shop.lifespan(lifespan))
app.include_router(shop.router)  # /health/esdb, and the page at /health/esdb/status
app.include_router(views.router)
app.include_router(live.router)
app.include_router(routes.router)
app.include_router(mails.router)
add_error_handlers(app, members={"revisions"}, validation=True)


@app.exception_handler(Refused)
async def refusal(_: Request, error: Exception) -> JSONResponse:
    """The rules of the shop say no: 409, since the same request may be right for another state of the order."""
    kind, title = "urn:shop:problem:refused", "The order does not allow this"
    return Problem(type=kind, title=title, status=409, detail=str(error)).response()


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The shop's one page."""
    return FileResponse(PAGE, media_type="text/html")
