from fastapi import FastAPI
from pydantic import BaseModel

from fastapi_esdb import NO_STREAM, Esdb, EsdbDep, EventTypes, add_error_handlers, problems

esdb = Esdb()
app = FastAPI(title="Orders")
app.include_router(esdb.router)
add_error_handlers(app)
events = EventTypes()


@events("OrderPlaced")
class OrderPlaced(BaseModel):
    customer: str
    cents: int


@app.post("/orders/{order_id}", status_code=201, responses=problems(409))
async def place(order_id: str, placed: OrderPlaced, connection: EsdbDep) -> None:
    await connection.append(f"order-{order_id}", placed, expected=NO_STREAM)
