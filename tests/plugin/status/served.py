"""The app of the other tests, for a real server process; events are appended to it by requests."""

from __future__ import annotations

from fastapi import Body

from fastapi_esdb import NewEvent
from tests.plugin.status.conftest import Shop

shop = Shop()
app = shop.app


@app.post("/events/{stream:path}")
async def append(stream: str, type: str, data: bytes = Body()) -> int | None:  # noqa: A002
    esdb = shop.esdb.connection_of(app)
    return (await esdb.append(stream, NewEvent(type, data, content_type="application/octet-stream"))).revision
