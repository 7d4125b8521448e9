"""Tests of the API run against any server: `make test TARGET=esdb://…`."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from fastapi_esdb.wire.errors import StreamDeleted
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.projections.methods import CREATE_PROJECTION
from fastapi_esdb.wire.projections.values import CreateProjection
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.support.own_names import OwnNames
from tests.support.processes import embedded

ROOT = Path(__file__).parents[1]


@pytest.fixture
def names() -> OwnNames:
    return OwnNames()


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("order-1", "{}order-1"),
        ("$$order-1", "$${}order-1"),
        ("$ce-order", "$ce-{}order"),
        ("$projections-total-result", "$projections-{}total-result"),
        ("$persistentsubscription-s::g-parked", "$persistentsubscription-{}s::{}g-parked"),
        ("$all", "$all"),
        ("$settings", "$settings"),
        ("admin", "admin"),
    ],
)
def test_names_are_made_unique(names: OwnNames, name: str, own: str) -> None:
    """Once, where there is a name of the user's; and they come back as they were."""
    assert names.own(name) == names.own(names.own(name)) == own.replace("{}", names.prefix)
    assert names.plain(names.own(name)) == name


def test_names_in_requests_are_made_unique(names: OwnNames) -> None:
    """In filters and queries, too; what else is in a request stays."""
    read = READ.request.encode(ReadRequest(None, filter=EventFilter(by_stream=True, prefixes=("order-",))))
    assert READ.request.decode(names.leaving(read)).filter == EventFilter(True, (f"{names.prefix}order-",))
    by_type = READ.request.encode(ReadRequest(None, filter=EventFilter(prefixes=("Order",))))
    assert READ.request.decode(names.leaving(by_type)).filter == EventFilter(prefixes=("Order",))
    one = READ.request.encode(ReadRequest("s"))
    assert READ.request.decode(names.leaving(one)) == ReadRequest(f"{names.prefix}s")
    query = "fromStream('s').when({ A(state, event) { emit('copies', 'Copied', event.data); } })"
    create = names.leaving(CREATE_PROJECTION.request.encode(CreateProjection(query, "p")))
    made = CREATE_PROJECTION.request.decode(create)
    assert made.name == f"{names.prefix}p"
    assert made.query == query.replace("'s'", f"'{names.prefix}s'").replace("'copies'", f"'{names.prefix}copies'")


def test_names_in_errors_come_back(names: OwnNames) -> None:
    """As the test knows them."""
    error: StreamDeleted = names.plain(StreamDeleted(names.own("s")))
    assert error.stream == "s"
    assert names.prefix not in str(error)


async def run(target: str, *selected: str) -> str:
    """Return what pytest reports of these tests with that target."""
    environment = {**os.environ, "ESDB_TEST_TARGET": target}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *selected]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode()


def passed(report: str) -> int:
    """Return how many tests have passed, if none has failed."""
    assert not re.search(r"\d+ (failed|error)", report), report
    found = re.search(r"(\d+) passed", report)
    return int(found[1]) if found else 0


async def test_a_server_in_another_process_passes() -> None:
    """More than once, since names are new each time; what needs a server of its own does not run."""
    async with embedded() as server:
        target = f"esdb://127.0.0.1:{server.port}?tls=false"
        for _ in range(2):
            assert passed(await run(target, "tests/api/test_deleting.py", "-k", "not nothing")) > 5


async def test_a_server_with_users_passes() -> None:
    """Those of users run with credentials in the target."""
    async with embedded("--secure") as server:
        target = f"esdb://admin:changeit@127.0.0.1:{server.port}?tls=false"
        assert passed(await run(target, "tests/api/test_users.py", "tests/conformance/test_target.py")) > 20
