from step1 import stream_of
from step4 import app

from fastapi_esdb import EsdbDep, EventStream, LastRevision


@app.get("/orders/{order_id}/live", response_class=EventStream)
async def live(order_id: str, esdb: EsdbDep, after: LastRevision) -> EventStream:
    return await EventStream.of(esdb.subscribe(stream_of(order_id), after=after))
