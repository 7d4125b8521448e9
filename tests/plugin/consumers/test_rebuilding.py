"""Read models that are built anew beside the old ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI

from fastapi_esdb import Connection, Esdb, Event, EventTypes
from fastapi_esdb.consumers import NotHandledHere, category
from fastapi_esdb.testing import running
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("esdb_server")

events = EventTypes()


@events("RebuiltPaid")
@dataclass
class Paid:
    customer: str
    cents: int


@pytest.mark.parametrize("run", ["each", "one"])
async def test_a_read_model_is_rebuilt_and_swapped(esdb_connection: Connection, run: str) -> None:
    """Events that are written meanwhile are in the new one, each once; later ones go there, too."""
    esdb = Esdb()
    current: Counter[str] = Counter()
    fresh: Counter[str] = Counter()

    @esdb.consumer("spent", category("rebuilt"), types=events, run=run)  # type: ignore[arg-type]
    async def add_up(event: Event[Paid]) -> None:
        current[event.data.customer] += event.data.cents

    async def anew(event: Event[Paid]) -> None:
        fresh[event.data.customer.upper()] += event.data.cents
        if fresh.total() == 3:
            await esdb_connection.append("rebuilt-2", [Paid("ann", 1) for _ in range(3)])

    def swap() -> None:
        nonlocal current
        current = fresh

    await esdb_connection.append("rebuilt-1", [Paid("ann", 1) for _ in range(5)])
    async with running(FastAPI(lifespan=esdb.lifespan)):
        await until(lambda: current["ann"] == 5)
        await esdb.consumers["spent"].rebuild(anew, swap)
        assert current is fresh
        await esdb_connection.append("rebuilt-1", Paid("bob", 1))
        await until(lambda: current["bob"] == 1)
        await until(lambda: current["ANN"] + current["ann"] == 8)


async def test_what_builds_may_have_dependencies(esdb_connection: Connection) -> None:
    """As the consumer's own handler."""
    esdb, log = Esdb(), list[str]()

    @esdb.consumer("spent", category("rebuilt"), types=events, run="each")
    async def add_up(event: Event[Paid]) -> None:
        log.append("old")

    async def session() -> AsyncIterator[list[str]]:
        yield log
        log.append("committed")

    async def anew(event: Event[Paid], session: Annotated[list[str], Depends(session)]) -> None:
        session.append("new")

    anew.__annotations__["session"] = Annotated[list[str], Depends(session)]
    await esdb_connection.append("rebuilt-1", Paid("ann", 1))
    async with running(FastAPI(lifespan=esdb.lifespan)):
        await until(lambda: esdb.consumers["spent"].status.handled)
        await esdb.consumers["spent"].rebuild(anew)
    assert log == ["old", "new", "committed"]


async def test_a_process_that_stands_by_rebuilds_nothing(esdb_connection: Connection) -> None:
    """The other one is at work on the read model."""
    one, other = Esdb(), Esdb()
    for esdb in (one, other):

        @esdb.consumer("spent", category("rebuilt"), types=events)
        async def add_up(event: Event[Paid]) -> None: ...

    async with running(FastAPI(lifespan=one.lifespan)):
        await until(lambda: one.consumers["spent"].state == "running")
        async with running(FastAPI(lifespan=other.lifespan)):
            await until(lambda: other.consumers["spent"].state == "standby")
            with pytest.raises(NotHandledHere):
                await other.consumers["spent"].rebuild(add_up)
