"""Numbers that nothing can be done with: each call says which argument it is."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from fastapi_esdb import Connection, EsdbSettings, InvalidArgument, InvalidSettings, Position, connect, filters
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.settings.model import SHORTEST_INTERVAL
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS

HUGE, UNWRITABLE = 10**400, 10**5000
NO_SPANS = [HUGE, -HUGE, UNWRITABLE, -UNWRITABLE, math.nan, -math.inf, -1, -0.1, True, "1"]
NO_COUNTS = [HUGE, -HUGE, UNWRITABLE, -UNWRITABLE, math.nan, math.inf, -1, 1.5, True, "1"]

SPANS: dict[str, Callable[[Connection, Any], Awaitable[object]]] = {
    "wait_connected": lambda esdb, it: esdb.wait_connected(it),
    "the pool's wait_connected": lambda esdb, it: esdb.pool.wait_connected(it),
    "ping": lambda esdb, it: esdb.ping(it),
    "the pool's ping": lambda esdb, it: esdb.pool.ping(it),
    "append": lambda esdb, it: esdb.append("s", [], timeout=it),
    "read": lambda esdb, it: esdb.read("s", timeout=it).to_list(),
    "read_all": lambda esdb, it: esdb.read_all(timeout=it).to_list(),
    "delete": lambda esdb, it: esdb.delete("s", timeout=it),
    "tombstone": lambda esdb, it: esdb.tombstone("s", timeout=it),
    "get_metadata": lambda esdb, it: esdb.get_metadata("s", timeout=it),
    "users": lambda esdb, it: esdb.users.list(timeout=it),
    "groups": lambda esdb, it: esdb.persistent_subscriptions.list(timeout=it),
    "projections": lambda esdb, it: esdb.projections.list(timeout=it),
    "members": lambda esdb, it: esdb.cluster.members(timeout=it),
    "scavenge": lambda esdb, it: esdb.operations.start_scavenge(timeout=it),
}
"""Calls with a time span, which each names `timeout`."""

COUNTS: dict[str, tuple[str, Callable[[Connection, Any], Awaitable[object]]]] = {
    "read": ("limit", lambda esdb, it: esdb.read("s", limit=it).to_list()),
    "read from": ("start", lambda esdb, it: esdb.read("s", start=it).to_list()),
    "read_all": ("limit", lambda esdb, it: esdb.read_all(limit=it).to_list()),
    "read_all from": ("start.commit", lambda esdb, it: esdb.read_all(start=Position(it, 0)).to_list()),
    "append": ("expected", lambda esdb, it: esdb.append("s", [], it)),
    "delete": ("expected", lambda esdb, it: esdb.delete("s", it)),
    "subscribe": ("after", lambda esdb, it: following(lambda: esdb.subscribe("s", after=it))),
    "filter": (
        "filter.window",
        lambda esdb, it: following(lambda: esdb.subscribe_all(filter=filters.by_stream("a", window=it))),
    ),
}


async def following(subscribe: Callable[[], Any]) -> object:
    return await anext(subscribe())


@pytest.fixture
async def esdb() -> Any:
    async with EmbeddedServer() as server, connect(server.connection_string) as connection:
        await connection.wait_connected(10)
        yield connection


async def refused(call: Callable[[], Awaitable[object]]) -> str:
    """What an error says, be it raised at once or when the call is awaited."""
    with pytest.raises(InvalidArgument) as caught:
        await call()
    return str(caught.value)


@pytest.mark.parametrize("name", SPANS)
async def test_time_spans(esdb: Connection, name: str) -> None:
    """A number that is too large for a float, too long to be written, none at all or below 0 is an error."""
    for value in NO_SPANS:
        message = await refused(partial(SPANS[name], esdb, value))
        assert message.startswith("timeout must be a number of seconds, 0 or more, not ")


@pytest.mark.parametrize("name", COUNTS)
async def test_counts(esdb: Connection, name: str) -> None:
    """The same for revisions, positions and numbers of events."""
    argument, call = COUNTS[name]
    for value in NO_COUNTS:
        assert (await refused(partial(call, esdb, value))).startswith(f"{argument} must be ")


async def test_the_options_of_a_call(esdb: Connection) -> None:
    """They are checked again where they are used, since they can be made by hand."""
    for value in (HUGE, math.nan, -1):
        options = CallOptions(timeout=value)
        assert (await refused(partial(esdb.pool.call, SUPPORTED_METHODS, None, options))).startswith("timeout must be")


async def test_what_may_be_waited_for_without_an_end(esdb: Connection) -> None:
    """Infinity and the largest float are time spans like others."""
    for value in (math.inf, 1.7e308, 10**300):
        await esdb.wait_connected(value)
        await esdb.pool.wait_connected(value)
    await esdb.ping(1.7e308)


FIELDS = EsdbSettings.model_fields.items()
NUMBERS = [name for name, field in FIELDS if {"int", "float"} & set(re.findall(r"\w+", str(field.annotation)))]


@pytest.mark.parametrize("name", NUMBERS)
def test_settings(name: str) -> None:
    """Each setting that is a number says so, and names itself, whatever else it is given."""
    for value in (HUGE, -HUGE, UNWRITABLE, -UNWRITABLE, math.nan, math.inf, -math.inf):
        with pytest.raises(InvalidSettings, match=rf"^{name} \(ESDB_{name.upper()}\): must "):
            EsdbSettings(connection_string="esdb://a", **{name: value})


def test_the_shortest_interval() -> None:
    """A server sees no more than 20 attempts a second from each connection."""
    assert EsdbSettings(retry_interval=SHORTEST_INTERVAL).retry_interval == SHORTEST_INTERVAL
    with pytest.raises(InvalidSettings, match=r"^retry_interval .* must be greater than or equal to 0\.05"):
        EsdbSettings(retry_interval=1e-9)
