from fastapi import FastAPI
from pydantic import BaseModel

from fastapi_esdb import NO_STREAM, EsdbDep, NewEvent, add_error_handlers, esdb_router

app = FastAPI(title="Orders")
app.include_router(esdb_router)
add_error_handlers(app)


class OrderPlaced(BaseModel):
    customer: str
    cents: int


def stream_of(order_id: str) -> str:
    return f"order-{order_id}"


@app.post("/orders/{order_id}", status_code=201)
async def place(order_id: str, placed: OrderPlaced, esdb: EsdbDep) -> None:
    await esdb.append(stream_of(order_id), NewEvent("OrderPlaced", placed), expected=NO_STREAM)
