"""A saga and a consumer of each kind, while the database and the app are killed, frozen and cut off again and again.

The saga is that of `docs/how-to/sagas.md`. Two processes of the app run beside each other.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from fastapi_esdb import (
    NO_STREAM,
    START,
    Connection,
    EsdbError,
    NewEvent,
    RecordedEvent,
    WrongExpectedRevision,
    connect,
    filters,
)
from fastapi_esdb.testing import eventually
from fastapi_esdb.wire.groups.values import GroupSettings
from tests.faults.saga_app import GROUP, SHIPPED, is_bad, number_of, saga
from tests.support.processes import Running, ServerProcess, address, embedded, python, settings_for
from tests.support.waiting import until

SETTINGS = GroupSettings(message_timeout_ms=600_000, max_retry_count=1_000)
"""The server parks nothing by itself."""

FROZEN = 1.5
"""Seconds; the app's time for a call is longer."""

BETWEEN, PAUSE = 3, 0.2
"""Orders between two faults, and seconds between two orders."""

STOCK = 200
"""More than few faults take, and less than many do: what is set aside and refused is both seen."""

LONG = 120.0
"""Seconds in which everything must be handled when the faults are over, some of which come late on a busy machine."""

MANY = pytest.mark.parametrize(
    "counts",
    [
        pytest.param({"kill": 2, "freeze": 1, "close": 2, "end": 2}, id="few"),
        pytest.param({"kill": 20, "freeze": 5, "close": 20, "end": 20}, id="many"),
    ],
)


class Customers:
    """Order, and pay for most of what they are asked for, whatever happens to the database."""

    def __init__(self, esdb: Connection) -> None:
        self.ordered = 0
        self._esdb = esdb
        self._saga = saga().__dict__
        self._stopped = False

    async def order(self) -> None:
        """Order one after the other until told to stop."""
        while not self._stopped:
            number = self.ordered
            await self._insist(partial(self._place, number))
            self.ordered += 1
            await asyncio.sleep(PAUSE)

    async def reach(self, count: int) -> None:
        """Wait until so many are ordered."""
        await until(lambda: self.ordered >= count, LONG)

    def stop(self) -> None:
        """Order no more."""
        self._stopped = True

    async def pay(self) -> None:
        """Pay four of five requests, until cancelled."""
        async for event in self._esdb.subscribe("$all", after=START, filter=filters.by_stream("payment-")):
            if event.type == "PaymentRequested" and number_of(event.stream) % 5:
                await self._insist(partial(self._pay, event))

    async def _place(self, number: int) -> None:
        try:
            await self._esdb.append(f"order-{number}", self._saga["OrderPlaced"](str(number), "tea"), NO_STREAM)
        except WrongExpectedRevision:
            return  # the answer to an earlier attempt was lost

    async def _pay(self, event: RecordedEvent) -> None:
        stream = event.stream
        await self._esdb.decide(stream, self._saga["Payment"], self._received, str(number_of(stream)))

    def _received(self, payment: Any, order_id: str) -> Any:
        return self._saga["PaymentReceived"](order_id) if payment.is_open else None

    async def _insist(self, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await do()
            except EsdbError:
                await asyncio.sleep(0.05)
            else:
                return


class Apps:
    """Two processes of the app."""

    def __init__(self, stack: AsyncExitStack, server: ServerProcess, log: Path) -> None:
        self._stack = stack
        self._server = server
        self._log = log
        self.running: list[Running] = []

    async def add(self) -> None:
        """Start one more."""
        env = {"ESDB_CONNECTION_STRING": address(self._server.port)}
        app = await self._stack.enter_async_context(
            python("-m", "tests.faults.saga_app", "--log", str(self._log), env=env)
        )
        await app.until("started\n")
        self.running.append(app)

    async def end_one(self) -> None:
        """Kill one of them, and start another."""
        app = self.running.pop(random.randrange(len(self.running)))
        os.killpg(app.process.pid, SIGKILL)
        await app.ended()
        await self.add()

    async def close_one(self) -> None:
        """Close one's connection to the database, and open it again."""
        app = random.choice(self.running)
        await self._say(app, "close")
        await app.until("closed\n", app.printed.count("closed\n") + 1)

    async def views(self) -> list[dict[str, list[str]]]:
        """Return the read model of each."""
        return [json.loads(await self._ask(app)) for app in self.running]

    async def _ask(self, app: Running) -> str:
        await self._say(app, "view")
        while not (line := await app.line()).startswith("{"):
            pass
        return line

    async def _say(self, app: Running, line: str) -> None:
        assert app.process.stdin
        app.process.stdin.write(f"{line}\n".encode())
        await app.process.stdin.drain()


class Stored:
    """What is in the database."""

    def __init__(self, events: list[RecordedEvent]) -> None:
        self.of: dict[str, list[str]] = {}
        for event in events:
            self.of.setdefault(event.stream, []).append(event.type)
        self.mails = Counter(event.json()["order"] for event in events if event.stream == "mails")
        self.letters = {
            name: Counter(
                event.json()["stream"]
                for event in events
                if event.stream == f"esdb_dead_letters-{name}" and event.type == "$ConsumerDeadLetter"
            )
            for name in ("mailer", "shipping", "orders", "payment-deadline", "view")
        }

    @property
    def orders(self) -> dict[str, list[str]]:
        return {stream: types for stream, types in self.of.items() if stream.startswith("order-")}

    @property
    def confirmed(self) -> set[str]:
        return {stream for stream, types in self.orders.items() if SHIPPED in types}

    @property
    def is_settled(self) -> bool:
        """Whether each order has come to its end, and each confirmation to its mail or its dead letters."""
        handled = self.mails.keys() | self.letters["mailer"].keys()
        bad = {stream for stream in self.confirmed if is_bad(stream)}
        is_parked = self.letters["shipping"].keys() >= bad
        return is_parked and handled >= self.confirmed and all(len(types) > 1 for types in self.orders.values())


async def stored(esdb: Connection) -> Stored:
    return Stored([event async for event in esdb.read_all()])


async def kill(server: ServerProcess) -> None:
    await server.kill()
    await server.start()


async def freeze(server: ServerProcess) -> None:
    server.freeze()
    await asyncio.sleep(FROZEN)
    server.thaw()


def check(found: Stored, ordered: int, shipped: set[str]) -> None:
    """Check that nothing was lost, and that nothing is there twice that says exactly once."""
    assert found.orders.keys() == {f"order-{number}" for number in range(ordered)}
    stock = Counter(found.of["stock-tea"])
    for stream, types in found.orders.items():
        payment = found.of.get(stream.replace("order", "payment"), [])
        assert (types, payment) in (
            (["OrderPlaced", "OrderConfirmed"], ["PaymentRequested", "PaymentReceived"]),
            (["OrderPlaced", "OrderCancelled"], ["PaymentRequested", "PaymentExpired"]),
            (["OrderPlaced", "OrderCancelled"], []),
        ), stream
    ends = Counter(types[-1] for stream, types in found.of.items() if stream.startswith("payment-"))
    assert stock["StockReserved"] == ends.total()
    assert stock["StockReserved"] + stock["StockRefused"] == ordered
    assert stock["StockReleased"] == ends["PaymentExpired"]
    bad = {stream for stream in found.confirmed if is_bad(stream)}
    assert found.mails == dict.fromkeys(found.confirmed - bad, 1)
    assert found.letters["mailer"] == dict.fromkeys(bad, 1)
    assert shipped == found.confirmed - bad
    assert found.letters["shipping"].keys() == bad
    assert not any(found.letters[name] for name in ("orders", "payment-deadline", "view"))


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@MANY
async def test_a_saga_and_consumers_of_each_kind_outlive_everything(tmp_path: Path, counts: dict[str, int]) -> None:
    """Each step, mail and dead letter is there once, the group misses nothing, and the read models are right."""
    log = tmp_path / "shipped"
    async with (
        embedded("--data", str(tmp_path / "events.db")) as server,
        connect(settings_for(server.port)) as esdb,
        AsyncExitStack() as stack,
    ):
        await esdb.wait_connected(30)
        customers, apps = Customers(esdb), Apps(stack, server, log)
        await esdb.persistent_subscriptions.create(
            "$all", GROUP, SETTINGS, start=START, filter=filters.by_stream("order-")
        )
        await esdb.append("stock-tea", NewEvent("StockAdded", {"count": STOCK}))
        await asyncio.gather(apps.add(), apps.add())
        do: dict[str, Callable[[], Awaitable[None]]] = {
            "kill": partial(kill, server),
            "freeze": partial(freeze, server),
            "close": apps.close_one,
            "end": apps.end_one,
        }
        async with asyncio.TaskGroup() as tasks:
            ordering, paying = tasks.create_task(customers.order()), tasks.create_task(customers.pay())
            for fault in random.sample(list(counts), counts=list(counts.values()), k=sum(counts.values())):
                await customers.reach(customers.ordered + BETWEEN)
                await do[fault]()
            customers.stop()
            await ordering
            found = await settled(esdb)
            paying.cancel()
        await until(lambda: shipped_in(log) >= {each for each in found.confirmed if not is_bad(each)}, LONG)
        check(await stored(esdb), customers.ordered, shipped_in(log))

        async def views_are_right() -> bool:
            return all(view == found.orders for view in await apps.views())

        await eventually(views_are_right, timeout=LONG, every=0.2)


def shipped_in(log: Path) -> set[str]:
    return set(log.read_text().split())


async def settled(esdb: Connection) -> Stored:
    """Return what is stored when everything is handled."""

    async def is_settled() -> bool:
        return (await stored(esdb)).is_settled

    await eventually(is_settled, timeout=LONG, every=0.2)
    return await stored(esdb)
