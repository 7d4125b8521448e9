from fastapi import FastAPI

from fastapi_esdb import NO_STREAM, EsdbConnection, NewEvent, add_error_handlers, esdb_router

app = FastAPI()
app.include_router(esdb_router)
add_error_handlers(app)


@app.post("/orders/{order_id}", status_code=201)
async def place(order_id: str, esdb: EsdbConnection) -> None:
    await esdb.append(f"order-{order_id}", NewEvent("OrderPlaced", {}), expected=NO_STREAM)
