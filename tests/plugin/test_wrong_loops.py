"""The wrong connection in the wrong place: each says what to use instead, and none passes in silence."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI
from fastapi.testclient import TestClient

from fastapi_esdb import Connection, Esdb, EsdbConnection, EsdbSyncConnection, NewEvent, connection_of, esdb_router
from fastapi_esdb.errors import WrongEventLoop
from fastapi_esdb.plugin.threads import awaits
from tests.support.serving import await_connection

other = Esdb(name="other", embedded=True)

app = FastAPI()
app.include_router(esdb_router)
app.include_router(other.router)
nested = APIRouter()


@app.post("/silent")
def silent(esdb: EsdbConnection) -> None:
    esdb.append("s", NewEvent("Happened", {}))  # type: ignore[unused-coroutine]  # the mistake that the test is about


@nested.post("/nested")
def nested_silent(esdb: Annotated[Connection, Depends(other.get_connection)]) -> None: ...


app.include_router(nested, prefix="/in")


@app.post("/yielding")
def yielding(esdb: EsdbConnection) -> Iterator[int]:
    yield 1


@app.post("/running")
def runs_a_loop(esdb: Annotated[Connection, Depends(lambda: connection_of(app))]) -> None:
    asyncio.run(esdb.append("s", NewEvent("Happened", {})))


@app.post("/blocking")
async def blocking(esdb: EsdbSyncConnection) -> None:
    esdb.append("s", NewEvent("Happened", {}))


def places_order(esdb: EsdbConnection) -> None:
    esdb.append("s", NewEvent("Happened", {}))  # type: ignore[unused-coroutine]  # the mistake, once more


def cleans_up(esdb: EsdbConnection) -> Iterator[None]:
    yield
    esdb.delete("s")  # type: ignore[unused-coroutine]  # the same


def makes_projection(esdb: EsdbConnection) -> None:
    esdb.projections.create("p", "fromAll()")  # type: ignore[unused-coroutine]  # the same


async def handed(esdb: EsdbConnection) -> Connection:
    return esdb


@app.post("/dependency")
async def with_dependency(_: Annotated[None, Depends(places_order)]) -> None: ...


@app.post("/clean-up")
async def with_clean_up(_: Annotated[None, Depends(cleans_up)]) -> None: ...


@app.post("/part")
async def with_part(_: Annotated[None, Depends(makes_projection)], esdb: EsdbConnection) -> None: ...


@app.post("/handed")
def was_handed(esdb: Annotated[Connection, Depends(handed)]) -> None:
    esdb.append("s", NewEvent("Happened", {}))  # type: ignore[unused-coroutine]  # the same


MISTAKES = {
    "/dependency": r"append\(\) of EsdbDep was called by a `def`, .*: take EsdbSyncDep",
    "/clean-up": r"delete\(\) of EsdbDep was called by a `def`, .*: take EsdbSyncDep",
    "/part": r"create\(\) of EsdbDep was called by a `def`, .*: take EsdbSyncDep",
    "/handed": r"append\(\) of EsdbDep was called by a `def`, .*: take EsdbSyncDep",
    "/silent": "the endpoint 'silent' is a `def`, .*: take EsdbSyncDep",
    "/in/nested": "the endpoint 'nested_silent' is a `def`, .*: take EsdbSyncDep",
    "/yielding": "the endpoint 'yielding' is a `def`, .*: take EsdbSyncDep",
    "/running": r"another event loop: a `def` endpoint.* takes EsdbSyncDep, whose calls need no asyncio.run\(\)",
    "/blocking": "In `async def` use EsdbDep, and await its calls",
}


class Orders:
    """A repository as many write them."""

    def __init__(self, esdb: EsdbConnection) -> None:
        self.esdb = esdb

    async def place(self) -> None:
        await self.esdb.append("s", NewEvent("Happened", {}))


async def appended(esdb: EsdbConnection) -> int | None:
    return (await esdb.append("s", NewEvent("Happened", {}))).revision


def logged(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(endpoint)
    def call(*args: Any, **kwargs: Any) -> Any:
        return endpoint(*args, **kwargs)

    return call


class Callables:
    async def __call__(self, esdb: EsdbConnection) -> None:
        await esdb.append("s", NewEvent("Happened", {}))


async def with_argument(_: str, esdb: EsdbConnection) -> None:
    await esdb.append("s", NewEvent("Happened", {}))


async def streaming(esdb: EsdbConnection) -> AsyncIterator[int]:
    yield (await esdb.append("s", NewEvent("Happened", {}))).revision or 0


async def in_background(esdb: EsdbConnection, tasks: BackgroundTasks) -> None:
    tasks.add_task(esdb.append, "s", NewEvent("Happened", {}))


def begins(esdb: EsdbConnection, tasks: BackgroundTasks) -> Connection:
    tasks.add_task(esdb.append, "s", NewEvent("Happened", {}))
    return esdb


async def of_one_handed_on(esdb: Annotated[Connection, Depends(begins)]) -> None:
    assert [event.type async for event in esdb.read("s")]
    assert await esdb.persistent_subscriptions.list() == ()


def of_a_dependency(revision: Annotated[int, Depends(appended)]) -> int:
    return revision


async def of_a_repository(orders: Annotated[Orders, Depends()]) -> None:
    await orders.place()


RIGHT: list[Callable[..., Any]] = [
    of_a_dependency,
    of_a_repository,
    logged(appended),
    Callables(),
    partial(with_argument, "bound"),
    streaming,
    in_background,
    of_one_handed_on,
]
for index, right in enumerate(RIGHT):
    app.post(f"/right/{index}")(right)


@pytest.fixture
def client(esdb_embedded: None) -> Iterator[TestClient]:
    with TestClient(app) as client:
        await_connection(client)
        await_connection(client, "/health/esdb/other")
        yield client


def test_a_mistake_fails_and_says_what_to_use_instead(client: TestClient) -> None:
    """Nothing is written, and nobody is told that it was."""
    for path, message in MISTAKES.items():
        with pytest.raises(WrongEventLoop, match=message):
            client.post(path)
    assert client.post("/right/0").json() == 0


def test_the_connection_may_go_through_anything_that_awaits_it(client: TestClient) -> None:
    """Async dependencies of a `def`, classes that keep it, decorated and bound endpoints, tasks in the background."""
    for number in range(len(RIGHT)):
        assert client.post(f"/right/{number}").status_code == 200, RIGHT[number]
    assert client.post("/right/0").json() == len(RIGHT)


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    async def __call__(self) -> None: ...


class NotAwaited(Unhashable):
    def __call__(self) -> None: ...  # type: ignore[override]


def test_an_endpoint_may_be_an_object_without_a_hash() -> None:
    """Whether it runs on the event loop is looked up anew for each request, since it can't be kept."""
    assert [awaits(Unhashable()), awaits(NotAwaited())] == [True, False]


TEST = """
from fastapi_esdb import NewEvent

async def test_append(esdb_connection):
    await esdb_connection.append("s", NewEvent("Happened", {}))
"""


@pytest.mark.parametrize("scope", ["fixture", "test"])
def test_fixtures_on_another_loop_than_the_test_say_what_to_set(tmp_path: Path, scope: str) -> None:
    """With a session's loop for one of the two only."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["fastapi_esdb.testing"]\n')
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\nasyncio_mode = auto\nasyncio_default_{scope}_loop_scope = session\n"
    )
    process = subprocess.run(
        [sys.executable, "-m", "pytest"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "WrongEventLoop: this EventStoreDB pool was opened on another event loop" in process.stdout
    assert "asyncio_default_fixture_loop_scope and asyncio_default_test_loop_scope name" in process.stdout
