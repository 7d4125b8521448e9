"""The app whose costs are measured: an endpoint that appends, and one that does nothing."""

from __future__ import annotations

from fastapi import FastAPI

from benchmarks.events import fresh_stream, new_event
from fastapi_esdb import EsdbConnection, esdb_router

STREAM = fresh_stream()

app = FastAPI()
app.include_router(esdb_router)


@app.get("/nothing")
async def nothing() -> dict[str, int]:
    return {"revision": 0}


@app.get("/connection")
async def connection(esdb: EsdbConnection) -> dict[str, int]:
    return {"revision": 0 if esdb.is_connected else 1}


@app.get("/append")
async def append(esdb: EsdbConnection) -> dict[str, int | None]:
    """A GET, so that both endpoints are asked for in the same way."""
    result = await esdb.append(STREAM, new_event())
    return {"revision": result.revision}
