"""What the nodes tell of themselves."""

from __future__ import annotations

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.monitoring import Cluster
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.admin.monitoring import STATS
from fastapi_esdb.wire.errors import DeadlineExceeded, InvalidArgument
from tests.api.fakes import FakeCarrier
from tests.support.lost_answers import LostAnswers


async def test_the_members(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The embedded server is alone, and leads."""
    [member] = await esdb.cluster.members()
    assert (member.state, member.is_alive) == (NodeState.LEADER, True)
    assert f"{member.host}:{member.port}" == esdb_server.address


async def test_what_the_server_can_do(esdb: Connection) -> None:
    """The calls that it has, under the names that servers give them."""
    supported = await esdb.cluster.supported_methods()
    assert (STATS.service.lower(), "stats") in {(method.service, method.name) for method in supported.methods}


async def test_its_version(esdb: Connection) -> None:
    """Is the one that the connection was told, too."""
    assert await esdb.cluster.server_version() == esdb.server_version == "26.1.0"


async def test_no_answer(esdb: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is starting may stay silent."""
    LostAnswers(monkeypatch, "Read", times=100)
    with pytest.raises(DeadlineExceeded):
        await esdb.cluster.members(timeout=0.5)


async def test_what_can_not_be() -> None:
    """Is refused before anything is sent."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument, match="timeout"):
        await Cluster(carrier).members(timeout=-1)
    assert not carrier.methods
