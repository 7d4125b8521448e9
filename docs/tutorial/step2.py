from typing import Annotated, ClassVar, Self

from pydantic import BaseModel
from step1 import OrderPlaced, app, esdb, events

from fastapi_esdb import Loaded, problems


@events("OrderPaid")
class OrderPaid(BaseModel):
    cents: int


@events("OrderShipped")
class OrderShipped(BaseModel):
    pass


class Order(BaseModel, frozen=True):
    types: ClassVar = events.unknown("skip")

    customer: str = ""
    cents: int = 0
    status: str = "new"

    def apply(self, event: OrderPlaced | OrderPaid | OrderShipped) -> Self:
        match event:
            case OrderPlaced(customer=customer, cents=cents):
                placed = {"customer": customer, "cents": cents, "status": "placed"}
                return self.model_copy(update=placed)
            case OrderPaid():
                return self.model_copy(update={"status": "paid"})
            case OrderShipped():
                return self.model_copy(update={"status": "shipped"})


AnOrder = Annotated[Loaded[Order], esdb.load("order-{order_id}", Order)]


@app.get("/orders/{order_id}", responses=problems(404))
async def show(order: AnOrder) -> Order:
    return order.state
