"""What the server tells of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS, NodeState
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument, NotSupported
from fastapi_esdb.wire.groups.methods import TRUNCATE_PARKED
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from tests.support.bare_client import BareClient, connected

STREAMS = "event_store.client.streams.streams"


async def test_gossip(server: EmbeddedServer, client: BareClient) -> None:
    """The cluster is one node: the leader, alive, at the address it is reached at, always the same one."""
    [[one], [again]] = [info.members for info in [*await client.call(GOSSIP, None), *await client.call(GOSSIP, None)]]
    assert (one.state, one.is_alive) == (NodeState.LEADER, True)
    assert f"{one.host}:{one.port}" == server.address
    assert one.instance_id == again.instance_id


async def test_the_clock_of_gossip() -> None:
    """The time in the gossip is that of the server's clock."""
    noon = datetime(2024, 2, 29, 12, tzinfo=UTC)
    async with EmbeddedServer(clock=lambda: noon) as server, connected(server.address) as client:
        [info] = await client.call(GOSSIP, None)
    assert info.members[0].time_stamp == noon


async def test_supported_methods(client: BareClient) -> None:
    """It calls itself 26.1.0 and says which features its calls have, as clients look for them."""
    [supported] = await client.call(SUPPORTED_METHODS, None)
    features = {(method.service, method.name): method.features for method in supported.methods}
    assert supported.version == "26.1.0"
    assert len(features) == len(supported.methods)
    assert features[STREAMS, "read"] == ("position", "events")
    assert features[STREAMS, "batchappend"] == ("deadline_duration",)
    assert features[STREAMS, "append"] == ()


@pytest.mark.parametrize("method", all_methods(), ids=lambda method: str(method.path))
async def test_what_is_listed_is_what_there_is(client: BareClient, method: Method[Any, Any]) -> None:
    """A call is in the list exactly if it is answered with anything but "not supported".

    Truncating parked events came with 26.1.1, and the list is that of 26.1.0.
    """
    [supported] = await client.call(SUPPORTED_METHODS, None)
    listed = {(one.service, one.name) for one in supported.methods}
    is_listed = (method.service.lower(), method.name.lower()) in listed
    assert await is_there(client, method) == (is_listed or method is TRUNCATE_PARKED)


async def is_there(client: BareClient, method: Method[Any, Any]) -> bool:
    """Whether the server has the call, which it gets without the request that it may need."""
    try:
        await client.call(method)
    except EsdbError as error:
        return not isinstance(error, NotSupported)
    return True


@pytest.mark.parametrize("method", [GOSSIP, SUPPORTED_METHODS])
async def test_a_call_without_a_request(client: BareClient, method: Method[None, object]) -> None:
    """A unary call needs its request, be it an empty one."""
    with pytest.raises(InvalidArgument):
        await client.call(method)
