"""Filters that take long are the trouble of those who use them."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import GroupDropped, InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.methods import CREATE_GROUP, READ_GROUP
from fastapi_esdb.wire.groups.values import CreateGroup, GroupConfirmed, GroupReadOptions, GroupSettings
from fastapi_esdb.wire.streams.values import ReadRequest, SubscriptionConfirmed
from tests.embedded.watchdog import BOUND, watched
from tests.support.bare_client import BareClient

ENDLESS = EventFilter(by_stream=True, regex=r"^(a|aa)+$")
"""Takes hours for `NAME`."""

NAME = "a" * 100 + "b"

TEDIOUS = "a" * 19
"""Takes `ENDLESS` some milliseconds with a `b` behind."""


async def test_an_endless_read_and_subscription(client: BareClient) -> None:
    """A read and a subscription with a regex that has no end are refused, and nobody else waits for them."""
    await client.write(NAME)
    with watched() as watchdog:
        with pytest.raises(InvalidArgument, match="takes more than"):
            await client.frames(ReadRequest(None, filter=ENDLESS))
        call = await client.subscribe(ReadRequest(None, subscribe=True, filter=ENDLESS))
        assert isinstance(await anext(call), SubscriptionConfirmed)
        with pytest.raises(InvalidArgument, match="takes more than"):
            await anext(call)
    assert watchdog.longest < BOUND


async def test_an_endless_group(server: EmbeddedServer, client: BareClient) -> None:
    """A group with such a filter drops its consumers when it comes upon the name, in its history or live."""
    await client.call(CREATE_GROUP, CreateGroup(None, "g", GroupSettings(), filter=ENDLESS))
    call = client.open(READ_GROUP)
    await call.send(GroupReadOptions(None, "g", 10))
    assert isinstance(await anext(call), GroupConfirmed)
    with watched() as watchdog:
        await client.write(NAME)
        with pytest.raises(GroupDropped):
            await anext(call)
    assert watchdog.longest < BOUND


async def test_a_tedious_filter(client: BareClient) -> None:
    """A regex that takes some time for each of many records works on, in small pieces."""
    for number in range(100):
        await client.write(f"{TEDIOUS}b{number}")
    await client.write("aa")
    with watched() as watchdog:
        [found] = await client.read(ReadRequest(None, filter=ENDLESS))
    assert found.stream == "aa"
    assert watchdog.longest < BOUND
