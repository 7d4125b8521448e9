"""Small applications to test the plugin with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from fastapi_esdb import (
    NO_STREAM,
    Connection,
    Esdb,
    EsdbConnection,
    EsdbSyncConnection,
    NewEvent,
    add_error_handlers,
    esdb_router,
)

routes = APIRouter()


@routes.post("/orders/{order}", status_code=201)
async def place(order: str, esdb: EsdbConnection) -> dict[str, int | None]:
    result = await esdb.append(f"order-{order}", NewEvent("OrderPlaced", {"order": order}), expected=NO_STREAM)
    return {"revision": result.revision}


@routes.get("/orders/{order}")
async def types(order: str, esdb: EsdbConnection) -> list[str]:
    return [event.type async for event in esdb.read(f"order-{order}")]


@routes.post("/sync/{order}", status_code=201)
def place_from_thread(order: str, esdb: EsdbSyncConnection) -> list[str]:
    esdb.append(f"order-{order}", NewEvent("OrderPlaced", {}), expected=NO_STREAM, timeout=5)
    return [event.type for event in esdb.read(f"order-{order}", limit=10)]


def plain_app(**kwargs: Any) -> FastAPI:
    """Endpoints that depend on the default connection, which nothing opens."""
    app = FastAPI(**kwargs)
    app.include_router(routes)
    return app


def app_with_router(**kwargs: Any) -> FastAPI:
    """The shortest wiring: one line opens the pool."""
    app = plain_app(**kwargs)
    app.include_router(esdb_router)
    return app


def app_with_handlers() -> FastAPI:
    app = app_with_router()
    add_error_handlers(app)
    return app


def app_of(esdb: Esdb) -> FastAPI:
    """An app with an `Esdb` of its own."""
    app = FastAPI()
    app.include_router(esdb.router)
    depends = Depends(esdb.get_connection)

    @app.post("/events/{stream}")
    async def append(stream: str, connection: Connection = depends) -> int | None:
        return (await connection.append(stream, NewEvent("Happened", {}))).revision

    return app
