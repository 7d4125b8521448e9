"""Deciders of typed events: `evolve` gets data of the app's own classes, and decisions are such objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from fastapi_esdb import Connection, EventTypes, NewEvent, UnknownEventType

events = EventTypes()


@events("Opened")
class Opened(BaseModel):
    owner: str


@events("Deposited", version=2)
@dataclass(frozen=True)
class Deposited:
    cents: int


@events.upcast(Deposited, since=1)
def from_euros(data: dict[str, Any]) -> dict[str, Any]:
    return {"cents": data["euros"] * 100}


@dataclass(frozen=True)
class Book:
    owner: str = ""
    cents: int = 0


class BookDecider:
    """Has `types`, so that it never sees a recorded event."""

    initial = Book()
    types = events

    def evolve(self, state: Book, event: Opened | Deposited) -> Book:
        match event:
            case Opened(owner=owner):
                return replace(state, owner=owner)
            case Deposited(cents=cents):
                return replace(state, cents=state.cents + cents)


class BookEntity(BaseModel):
    """The same as a class of entities, whose `apply` returns another one."""

    types: ClassVar[EventTypes] = events

    owner: str = ""
    cents: int = 0

    def apply(self, event: Opened | Deposited) -> BookEntity:
        if isinstance(event, Opened):
            return self.model_copy(update={"owner": event.owner})
        return self.model_copy(update={"cents": self.cents + event.cents})


def open_with(_: Book | BookEntity, owner: str, cents: int) -> list[Opened | Deposited]:
    return [Opened(owner=owner), Deposited(cents)]


@pytest.mark.parametrize("decider", [BookDecider(), BookEntity])
async def test_objects_are_decided_and_evolved_by(esdb: Connection, decider: Any) -> None:
    """They are appended as they are, and read as they were; data of an older version come as today's."""
    decided = await esdb.decide("s", decider, open_with, "ada", 5)
    assert decided.events == (Opened(owner="ada"), Deposited(5))
    assert (decided.state.owner, decided.state.cents, decided.revision) == ("ada", 5, 1)
    await esdb.append("s", NewEvent("Deposited", {"euros": 3}))
    assert (await esdb.load("s", decider)).state.cents == 305
    assert (await decided.decide(lambda state: Deposited(state.cents))).state.cents == 610


@pytest.mark.parametrize("decider", [BookDecider(), BookEntity])
async def test_a_type_that_nobody_knows(esdb: Connection, decider: Any) -> None:
    """Is the decider's choice, as it is a reader's: an error by default, also before such an event is appended."""
    with pytest.raises(UnknownEventType):
        await esdb.decide("s", decider, lambda _: NewEvent("Closed", {}))
    assert await esdb.read("s", missing_ok=True).to_list() == []
    await esdb.append("s", [NewEvent("Closed", {}), Deposited(5)])
    with pytest.raises(UnknownEventType):
        await esdb.load("s", decider)

    class Lenient(BookDecider):
        types = events.unknown("skip")  # type: ignore[assignment]  # a reader in place of the registry

    assert (await esdb.load("s", Lenient())).state == Book(cents=5)
