from fastapi import FastAPI

from fastapi_esdb import (
    NO_STREAM,
    EsdbDep,
    EventStream,
    LastRevision,
    NewEvent,
    add_error_handlers,
    esdb_router,
)

app = FastAPI()
app.include_router(esdb_router)
add_error_handlers(app)


@app.post("/orders/{order_id}", status_code=201)
async def place(order_id: str, esdb: EsdbDep) -> None:
    await esdb.append(f"order-{order_id}", NewEvent("OrderPlaced", {}), expected=NO_STREAM)


@app.get("/orders/{order_id}/live", response_class=EventStream)
async def live(order_id: str, esdb: EsdbDep, after: LastRevision) -> EventStream:
    return await EventStream.of(esdb.subscribe(f"order-{order_id}", after=after))
