"""Health of consumers, reading one's own writes, and waiting in tests until all is handled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Response
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient

from fastapi_esdb import START, Connection, Esdb, EsdbDep, InvalidArgument, NewEvent, Position, RecordedEvent, filters
from fastapi_esdb.consumers import (
    ConsumerBehind,
    ConsumerState,
    InMemory,
    Park,
    Retry,
    To,
    all_events,
    category,
    consuming,
    group,
    stream,
    to,
)
from fastapi_esdb.consumers.reaching import BEFORE_SEARCH
from fastapi_esdb.testing import running, settled
from tests.support.waiting import PATIENCE, eventually, until

HEALTH = "/health/esdb"


def app_of(esdb: Esdb) -> FastAPI:
    app = FastAPI()
    app.include_router(esdb.router)
    return app


class Gate:
    """A handler that lets events through when it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.handled: list[int] = []

    async def __call__(self, event: RecordedEvent) -> None:
        await self.open.wait()
        self.handled.append(event.revision)


async def health(app: FastAPI) -> dict[str, Any]:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.get(HEALTH)
    found: dict[str, Any] = answer.json()
    return found | {"code": answer.status_code}


@pytest.mark.usefixtures("esdb_server")
@pytest.mark.parametrize(("required", "status", "code"), [(False, "warn", 200), (True, "fail", 503)])
async def test_a_consumer_that_stands_still_shows_in_health(
    esdb_connection: Connection, required: bool, status: str, code: int
) -> None:
    """A warning, or not ready if the app requires it; a quiet database is no alarm, and a paused consumer is none."""
    esdb, gate = Esdb(), Gate()
    esdb.consumer("slow", "s", stalled_after=0, required=required)(gate)
    app = app_of(esdb)
    async with running(app):
        await until(lambda: esdb.consumers["slow"].state is ConsumerState.RUNNING)
        quiet = await health(app)
        assert (quiet["status"], quiet["code"]) == ("pass", 200)
        await esdb_connection.append("s", NewEvent("N", {}))
        await until(lambda: esdb.consumers["slow"].status.stands_still_for > 0)
        found = await health(app)
        assert (found["status"], found["code"], found["reason"]) == (status, code, "consumer-stalled")
        [check] = found["checks"]["esdb:consumers"]
        assert (check["componentId"], check["observedValue"]) == ("slow", "running")
        [consumer] = found["consumers"]
        assert (consumer["name"], consumer["lag_events"], consumer["handled"]) == ("slow", 1, 0)
        gate.open.set()
        await until(lambda: esdb.consumers["slow"].status.handled == 1)
        assert (await health(app))["status"] == "pass"
        await esdb.consumers["slow"].pause()
        await esdb_connection.append("s", NewEvent("N", {}))
        await until(lambda: esdb.consumers["slow"].state is ConsumerState.PAUSED)
        assert (await health(app))["status"] == "pass"


@pytest.mark.usefixtures("esdb_server")
async def test_health_names_the_type_of_the_last_error(esdb_connection: Connection) -> None:
    """Not its text, which may show data."""
    esdb = Esdb()

    @esdb.consumer("failing", "s", on_error={ValueError: Retry(backoff=60)}, stalled_after=0)
    async def handle(event: RecordedEvent) -> None:
        raise ValueError("secret")

    app = app_of(esdb)
    await esdb_connection.append("s", NewEvent("N", {}))
    async with running(app):
        await until(lambda: esdb.consumers["failing"].state is ConsumerState.RETRYING)
        found = await health(app)
        assert found["consumers"][0]["last_error"] == "ValueError"
        assert "secret" not in str(found)
        assert found["reason"] == "consumer-stalled"


KINDS: dict[str, dict[str, Any]] = {
    "one of all": {},
    "each": {"run": "each", "checkpoint": InMemory()},
}


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("source", ["s-1", "category"])
async def test_a_place_is_waited_for(esdb_connection: Connection, source: str, options: dict[str, Any]) -> None:
    """Until the event there is handled; after the limit an error names the consumer."""
    gate = Gate()
    events = category("s") if source == "category" else source
    async with consuming(esdb_connection, "view", events, gate, **options) as consumer:
        result = await esdb_connection.append("s-1", NewEvent("N", {}))
        assert result.position is not None
        with pytest.raises(ConsumerBehind, match=r"consumer 'view' \(\w+\) has not come there in time"):
            await consumer.reached(result.position, timeout=0.1)
        waiting = asyncio.ensure_future(consumer.reached(result.position, timeout=10))
        gate.open.set()
        await waiting
        assert gate.handled == [0]
        if source == "s-1":
            await consumer.reached(0)
        else:
            with pytest.raises(InvalidArgument, match="the place must be a position, such as that of an append, not 0"):
                await consumer.reached(0)


@pytest.mark.parametrize("source", ["s-1", "category"])
async def test_a_place_is_waited_for_across_processes(esdb_connection: Connection, source: str) -> None:
    """One that is on standby hears from the checkpoint how far the other one is."""
    gate, other = Gate(), Gate()
    events = category("s") if source == "category" else source
    async with (
        consuming(esdb_connection, "view", events, gate) as holder,
    ):
        await until(lambda: holder.status.state is ConsumerState.RUNNING)
        async with consuming(esdb_connection, "view", events, other) as standby:
            await until(lambda: standby.status.state is ConsumerState.STANDBY)
            result = await esdb_connection.append("s-1", NewEvent("N", {}))
            assert result.position is not None
            waiting = asyncio.ensure_future(standby.reached(result.position, timeout=10))
            gate.open.set()
            await waiting
    assert (gate.handled, other.handled) == ([0], [])


@pytest.mark.parametrize("source", ["s-1", "category", "all"])
async def test_the_place_may_be_one_that_the_source_leaves_out(esdb_connection: Connection, source: str) -> None:
    """What comes before it has to be handled, and no more; also where that is nothing."""
    gate = Gate()
    named = {"category": category("s"), "all": all_events(filters.by_type("N"))}
    before = await esdb_connection.append("other-1", NewEvent("Other", {}))
    async with consuming(esdb_connection, "view", named.get(source, source), gate) as consumer:
        assert before.position is not None
        await consumer.reached(before.position, timeout=PATIENCE)
        await esdb_connection.append("s-1", NewEvent("N", {}))
        between = await esdb_connection.append("other-1", NewEvent("Other", {}))
        assert between.position is not None
        with pytest.raises(ConsumerBehind):
            await consumer.reached(between.position, timeout=BEFORE_SEARCH * 3)
        waiting = asyncio.ensure_future(consumer.reached(between.position, timeout=PATIENCE))
        gate.open.set()
        await waiting
        assert gate.handled == [0]
        with pytest.raises(ConsumerBehind):
            await consumer.reached(Position(2**40, 2**40), timeout=BEFORE_SEARCH * 3)


async def test_links_are_written_later_than_their_events(esdb_connection: Connection) -> None:
    """So the position of an event tells nothing of the stream of its links."""
    gate = Gate()
    gate.open.set()
    async with consuming(esdb_connection, "view", stream("$ce-s", resolve_links=True), gate) as consumer:
        result = await esdb_connection.append("s-1", NewEvent("N", {}))
        assert result.position is not None
        with pytest.raises(ConsumerBehind):
            await consumer.reached(result.position, timeout=BEFORE_SEARCH * 3)


async def test_a_group_has_no_place(esdb_connection: Connection) -> None:
    """Its events are handled in any order."""
    await esdb_connection.persistent_subscriptions.create("s", "g", start=START)
    async with consuming(esdb_connection, "c", group("s", "g"), Gate()) as consumer:
        with pytest.raises(InvalidArgument, match="a group has no place that it comes to"):
            await consumer.reached(0)


@pytest.mark.usefixtures("esdb_embedded")
def test_an_endpoint_reads_what_its_caller_has_written() -> None:
    """It waits for the position in the header: 503 with Retry-After if that takes too long, 400 for what is none."""
    esdb, seen = Esdb(), list[int]()

    @esdb.consumer("view", category("s"))
    async def handle(event: RecordedEvent) -> None:
        seen.append(event.revision)

    app = app_of(esdb)

    @app.post("/things")
    async def write(connection: EsdbDep, response: Response) -> None:
        result = await connection.append("s-1", NewEvent("N", {}))
        response.headers["ESDB-Position"] = str(result.position)

    @app.get("/things", dependencies=[Depends(esdb.at_least("view", timeout=5))])
    async def read() -> int:
        return len(seen)

    @app.get("/hurried", dependencies=[Depends(esdb.at_least("view", timeout=0.05))])
    async def hurried() -> None: ...

    with TestClient(app) as client:
        for number in range(1, 4):
            written = client.post("/things")
            assert client.get("/things", headers={"ESDB-Position": written.headers["ESDB-Position"]}).json() == number
        assert client.get("/hurried").status_code == 200
        late = client.get("/hurried", headers={"ESDB-Position": str(Position(2**40, 2**40))})
        assert (late.status_code, late.headers["Retry-After"]) == (503, "1")
        wrong = client.get("/things", headers={"ESDB-Position": "here"})
        assert wrong.status_code == 400
        assert "ESDB-Position must be a position, such as C:1788/P:1788" in wrong.text


def test_a_consumer_that_is_not_defined_can_not_be_waited_for() -> None:
    """The error names those that are. The events of a group have no order, and so no place to wait for."""
    esdb = Esdb()
    esdb.consumer("known", "s")(Gate())
    with pytest.raises(InvalidArgument, match=r"there is no consumer 'unknown' \(there are: known\)"):
        esdb.at_least("unknown")
    esdb.consumer("grouped", group("s", "g"))(Gate())
    with pytest.raises(InvalidArgument, match="'grouped' has no position to wait for"):
        esdb.at_least("grouped")


@pytest.mark.usefixtures("esdb_server")
async def test_an_app_is_settled_when_all_is_handled(esdb_connection: Connection) -> None:
    """Also what consumers have made of it for other consumers, and what a group has to do."""
    esdb, handled = Esdb(), list[str]()

    @esdb.consumer("first", category("order"))
    async def invoice(event: RecordedEvent) -> To:
        handled.append("first")
        return to("invoice-1", NewEvent("Sent", {}))

    @esdb.consumer("second", "invoice-1", on_error={ValueError: Park})
    async def pay(event: RecordedEvent) -> None:
        await asyncio.sleep(0)
        handled.append("second")
        if event.revision == 1:
            raise ValueError

    @esdb.consumer("third", group("invoice-1", "g"))
    async def count(event: RecordedEvent) -> None:
        handled.append("third")

    await esdb_connection.persistent_subscriptions.create("invoice-1", "g", start=START)
    app = app_of(esdb)
    async with running(app):
        await settled(app)
        for number in range(3):
            await esdb_connection.append(f"order-{number}", NewEvent("Placed", {}))
        await settled(app)
        assert sorted(handled) == ["first"] * 3 + ["second"] * 3 + ["third"] * 3


@pytest.mark.usefixtures("esdb_server")
async def test_an_app_that_does_not_settle_fails_the_test(esdb_connection: Connection) -> None:
    """The consumers that are behind are named, with their last errors."""
    esdb = Esdb()

    @esdb.consumer("stuck", "s")
    async def handle(event: RecordedEvent) -> None:
        raise ValueError

    await esdb_connection.append("s", NewEvent("N", {}))
    app = app_of(esdb)
    async with running(app):
        await until(lambda: esdb.consumers["stuck"].state is ConsumerState.RETRYING)
        with pytest.raises(AssertionError, match=r"consumer 'stuck' is retrying at .*, which met ValueError last"):
            await settled(app, timeout=0.3)


@pytest.mark.usefixtures("esdb_embedded")
def test_a_test_that_is_a_def_waits_by_the_portal() -> None:
    """`TestClient` runs it on the app's event loop."""
    esdb, gate = Esdb(), Gate()
    esdb.consumer("c", "s")(gate)
    app = app_of(esdb)

    @app.post("/things")
    async def write(connection: EsdbDep) -> None:
        gate.open.set()
        await connection.append("s", NewEvent("N", {}))

    with TestClient(app) as client:
        eventually(lambda: esdb.consumers["c"].state is ConsumerState.RUNNING)
        client.post("/things")
        assert client.portal is not None
        client.portal.call(settled, app)
        assert gate.handled == [0]
