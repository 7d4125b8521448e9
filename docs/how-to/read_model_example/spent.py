"""What each customer has spent, in a database of the app's own."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from fastapi_esdb import Esdb, Event, EventTypes
from fastapi_esdb.consumers import CheckpointMoved, category

events = EventTypes()


@events("OrderPaid")
class OrderPaid(BaseModel):
    customer: str
    cents: int


class Base(DeclarativeBase):
    pass


class Spent(Base):
    __tablename__ = "spent"

    customer: Mapped[str] = mapped_column(primary_key=True)
    cents: Mapped[int] = mapped_column(default=0)


class Checkpoint(Base):
    __tablename__ = "checkpoints"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[str]


engine = create_engine("sqlite:///spent.db")
Base.metadata.create_all(engine)


def transaction() -> Iterator[Session]:
    with Session(engine) as session, session.begin():
        yield session


SessionDep = Annotated[Session, Depends(transaction)]


class Checkpoints:
    def load(self, consumer: str, session: SessionDep) -> str | None:
        return session.scalar(select(Checkpoint.place).where(Checkpoint.consumer == consumer))

    def save(self, consumer: str, checkpoint: str, before: str | None, session: SessionDep) -> None:
        if before is None:
            session.add(Checkpoint(consumer=consumer, place=checkpoint))
            try:
                session.flush()
            except IntegrityError:
                raise CheckpointMoved from None
            return
        mine = (Checkpoint.consumer == consumer) & (Checkpoint.place == before)
        saved = update(Checkpoint).where(mine).values(place=checkpoint).returning(Checkpoint.place)
        moved = session.execute(saved)
        if moved.first() is None:
            raise CheckpointMoved


esdb = Esdb()
app = FastAPI()
app.include_router(esdb.router)


@esdb.consumer("spent", category("order"), types=events, checkpoint=Checkpoints())
def add_up(event: Event[OrderPaid], session: SessionDep) -> None:
    spent = session.get(Spent, event.data.customer) or Spent(customer=event.data.customer, cents=0)
    spent.cents += event.data.cents
    session.add(spent)


@app.get("/spent/{customer}")
def show(customer: str, session: SessionDep) -> int:
    spent = session.get(Spent, customer)
    return spent.cents if spent else 0
