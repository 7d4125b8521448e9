"""The whole shop, wired up: `uvicorn example_app.main:app`, or `make run`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

from example_app import live, routes, views
from example_app.database import shop
from example_app.problems import add_problems

PAGE = Path(__file__).with_name("page.html")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, views.OrderBook]]:
    """While the app runs, a task keeps the list of orders up to date."""
    book = views.OrderBook()
    async with views.following(book, shop.connection_of(app)):
        yield {"orders": book}


app = FastAPI(title="A small shop of orders", lifespan=shop.lifespan(lifespan))
app.include_router(shop.router)  # /health/esdb
app.include_router(views.router)
app.include_router(live.router)
app.include_router(routes.router)
add_problems(app)


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The shop's one page."""
    return FileResponse(PAGE, media_type="text/html")
