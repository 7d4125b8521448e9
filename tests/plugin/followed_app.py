"""An app whose page follows a stream in three ways, by the script that the docs show, and tells who listens."""

from __future__ import annotations

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse, HTMLResponse

from fastapi_esdb import (
    EsdbDep,
    EventStream,
    FanOut,
    LastPosition,
    LastRevision,
    add_error_handlers,
    esdb_router,
    filters,
)
from tests.support.processes import ROOT

PAGE = """<!doctype html><title>Followers</title><script src="/follow.js"></script><script>
const shown = { stream: [], all: [], socket: [] };
const into = (list) => (id, type, data) => list.push([id, data.n]);
follow("/stream", ["Counted"], into(shown.stream), 100);
follow("/all", ["Counted"], into(shown.all), 100);
followBySocket("/socket", into(shown.socket), 100);
</script>"""

app = FastAPI()
app.include_router(esdb_router)
add_error_handlers(app)
live = FanOut(kept=5)


@app.get("/")
async def page() -> HTMLResponse:
    return HTMLResponse(PAGE)


@app.get("/follow.js")
async def script() -> FileResponse:
    return FileResponse(ROOT / "docs" / "how-to" / "browser_example" / "follow.js")


@app.get("/stream", response_class=EventStream)
async def stream(esdb: EsdbDep, after: LastRevision) -> EventStream:
    return await EventStream.of(live.listen(esdb, "s", after=after), retry=0.1)


@app.get("/all", response_class=EventStream)
async def everything(esdb: EsdbDep, after: LastPosition) -> EventStream:
    return await EventStream.of(live.listen(esdb, "$all", after=after, filter=filters.by_stream("s")), retry=0.1)


@app.websocket("/socket")
async def socket(websocket: WebSocket, esdb: EsdbDep, after: LastRevision) -> None:
    await live.listen(esdb, "s", after=after).send_to(websocket)


@app.get("/sources")
async def sources() -> int:
    return len(live)
