"""The example app and the tutorial's, while their database is killed again and again under load."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fastapi_esdb import connect, filters
from tests.support.processes import ROOT, Running, address, embedded, free_port, python, settings_for
from tests.support.waiting import PATIENCE, answered, until

pytestmark = pytest.mark.slow

KILLS, CUSTOMERS, BETWEEN = 20, 8, 10
"""Kills of the database, customers at a time, and orders that are placed between two kills."""

AWAY = (500, 502, 503, 504)
"""Answers of the app while the database is away; 500 says that the outcome is not known."""


@asynccontextmanager
async def heard(app: Running) -> AsyncIterator[None]:
    """Take in what an app logs: when a pipe is full, whoever writes to it waits."""
    assert app.process.stdout
    listening = asyncio.create_task(app.process.stdout.read())
    try:
        yield
    finally:
        listening.cancel()
        await asyncio.wait([listening])


class Customers:
    """Place orders and pay for them, each until the app says that it is done."""

    def __init__(self, base: str, order: Mapping[str, Any]) -> None:
        self.done: list[str] = []
        self.refused = 0
        self._base = base
        self._order = order
        self._stopped = False

    async def run(self, name: str) -> None:
        """Buy one thing after the other until told to stop."""
        async with httpx2.AsyncClient(base_url=self._base, timeout=PATIENCE) as client:
            number = 0
            while not self._stopped:
                order = f"{name}-{number}"
                await self._insist(client, f"/orders/{order}", self._order)
                await self._insist(client, f"/orders/{order}/pay")
                self.done.append(order)
                number += 1

    async def have_bought(self, count: int) -> None:
        """Wait until so many orders are paid."""
        await until(lambda: len(self.done) >= count, 60)

    def stop(self) -> None:
        """Buy nothing more."""
        self._stopped = True

    async def _insist(self, client: httpx2.AsyncClient, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Ask until the answer is final: 409 after one that was lost says that it was done."""
        while (answer := await client.post(path, json=body)).status_code in AWAY:
            self.refused += 1
            await asyncio.sleep(0.05)
        assert answer.status_code in (200, 201, 409), answer.text


SHOP = {"customer": "Ada", "items": [{"name": "tea", "price_cents": 300}]}
TUTORIAL = {"customer": "Ada", "cents": 300}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("module", "folder", "category", "order"),
    [
        pytest.param("example_app.main:app", ROOT, "shop_order", SHOP, id="example"),
        pytest.param("step5:app", ROOT / "docs" / "tutorial", "order", TUTORIAL, id="tutorial"),
    ],
)
async def test_no_order_is_lost_and_no_mail_is_written_twice(
    tmp_path: Path, module: str, folder: Path, category: str, order: Mapping[str, Any]
) -> None:
    """Each order is placed once and paid once, the list is what is stored, and each order has one mail."""
    port = free_port()
    async with embedded("--data", str(tmp_path / "events.db")) as database:
        command = ("-m", "uvicorn", module, "--port", str(port), "--log-level", "error")
        env = {"ESDB_CONNECTION_STRING": address(database.port)}
        async with python(*command, directory=folder, env=env) as app, heard(app):
            base = f"http://127.0.0.1:{port}"
            await answered(lambda: _health(base), bool)
            customers = Customers(base, order)
            async with asyncio.TaskGroup() as tasks:
                for number in range(CUSTOMERS):
                    tasks.create_task(customers.run(f"c{number}"))
                for kill in range(1, KILLS + 1):
                    await customers.have_bought(kill * BETWEEN)
                    await database.kill()
                    await database.start()
                await customers.have_bought((KILLS + 1) * BETWEEN)
                customers.stop()
            listed = await answered(lambda: _listed(base), lambda found: len(found) == len(customers.done))
            assert set(listed.values()) == {"paid"}
            async with connect(settings_for(database.port)) as esdb:
                await esdb.wait_connected(PATIENCE)
                types: dict[str, list[str]] = {}
                async for event in esdb.read_all(filter=filters.by_stream(f"{category}-")):
                    types.setdefault(event.stream.removeprefix(f"{category}-"), []).append(event.type)
                assert types == {order: ["OrderPlaced", "OrderPaid"] for order in customers.done}
                assert {name.removeprefix("order-") for name in listed} == set(customers.done)
                if category == "shop_order":
                    mails: Counter[str] = await answered(lambda: _mails(esdb), lambda found: len(found) == len(types))
                    assert set(mails.values()) == {1}
    print(f"{len(customers.done)} orders, {customers.refused} answers while the database was away")  # noqa: T201


async def _health(base: str) -> bool:
    async with httpx2.AsyncClient(base_url=base) as client:
        try:
            return (await client.get("/health/esdb")).status_code == 200
        except httpx2.TransportError:
            return False


async def _listed(base: str) -> dict[str, str]:
    """Return the read model: the status of each order."""
    async with httpx2.AsyncClient(base_url=base) as client:
        found = (await client.get("/orders")).json()
    if "orders" in found:
        return {each["id"]: each["status"] for each in found["orders"]}
    return {name: each["status"] for name, each in found.items()}


async def _mails(esdb: Any) -> Counter[str]:
    """Return how many mails there are for each order."""
    return Counter([event.stream async for event in esdb.read_all(filter=filters.by_stream("shop_mails-"))])
