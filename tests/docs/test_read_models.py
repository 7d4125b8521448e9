"""The read model that the how-to shows is right, whatever fails."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fastapi_esdb import EsdbDep
from fastapi_esdb.consumers import CheckpointMoved
from tests.docs.conftest import DOCS
from tests.support.serving import await_connection
from tests.support.waiting import eventually

sqlalchemy = pytest.importorskip("sqlalchemy")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The app of the page, with its database in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(DOCS / "how-to" / "read_model_example"))
    example = import_module("spent")
    yield example
    del sys.modules["spent"]
    example.engine.dispose()


Listen = Callable[..., Callable[[Callable[..., None]], Callable[..., None]]]


@pytest.fixture
def listener() -> Iterator[Listen]:
    """Makes a function a listener to an event of SQLAlchemy, until the test ends."""
    with ExitStack() as stack:

        def listen(target: Any, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
            def add(function: Callable[..., None]) -> Callable[..., None]:
                sqlalchemy.event.listen(target, name, function)
                stack.callback(sqlalchemy.event.remove, target, name, function)
                return function

            return add

        yield listen


def with_orders(example: ModuleType) -> None:
    """Add an endpoint that has orders paid."""

    async def pay(order: int, cents: int, connection: EsdbDep) -> None:
        await connection.append(f"order-{order}", example.OrderPaid(customer="Ada", cents=cents))

    example.app.add_api_route("/orders/{order}", pay, methods=["POST"])


def has_spent(client: TestClient, cents: int) -> bool:
    return bool(client.get("/spent/Ada").json() == cents)


def test_events_are_added_up_once_though_their_transactions_fail(
    example: ModuleType, listener: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed with the checkpoint is not done again, and what was not, is: also over a restart of the app."""
    with_orders(example)
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb+embedded:///events.db")
    failures = iter([True, False] * 10)

    @listener(example.Session, "after_flush")
    def note(session: Any, _: object) -> None:
        session.info["has written"] = True

    @listener(example.Session, "before_commit")
    def fail(session: Any) -> None:
        if session.info.get("has written") and next(failures):
            raise OSError("the disk is full")

    for start in range(2):
        with TestClient(example.app) as client:
            await_connection(client)
            for order in range(3):
                client.post(f"/orders/{order}?cents=5")
            eventually(partial(has_spent, client, 15 * (start + 1)))


def test_a_checkpoint_that_was_moved_undoes_the_transaction(example: ModuleType) -> None:
    """Whoever saves over something else than it has loaded is refused."""

    store, sessions = example.Checkpoints(), example.transaction
    for checkpoint, before in (("1", None), ("2", "1")):
        for session in sessions():
            store.save("c", checkpoint, before, session)
    for stale in (None, "1"):
        for session in sessions():
            with pytest.raises(CheckpointMoved):
                store.save("c", "3", stale, session)
            session.rollback()
    for session in sessions():
        assert store.load("c", session) == "2"
