"""What a team runs in production: three nodes with TLS, certificates of their own, users with rights; and nodes die."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from fastapi_esdb import (
    NO_STREAM,
    AccessDenied,
    Connection,
    Credentials,
    EsdbSettings,
    NewEvent,
    NodePreference,
    NotAuthenticated,
    StreamAcl,
    StreamMetadata,
    connect,
)
from fastapi_esdb.embedded import EmbeddedCluster, ServerCertificate
from tests.support.certificates import Authority
from tests.support.processes import free_ports, python
from tests.support.waiting import PATIENCE

ADMIN = Credentials("admin", SecretStr("changeit"))
CLERK = Credentials("clerk", SecretStr("a-password"))
PLACED = NewEvent("OrderPlaced", {})


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
async def cluster(authority: Authority) -> AsyncIterator[EmbeddedCluster]:
    certificate = authority.sign("localhost", "127.0.0.1")
    tls = ServerCertificate.from_files(certificate.certificate, certificate.key)
    async with EmbeddedCluster(tls=tls, secure=True) as cluster:
        yield cluster


@pytest.fixture
async def esdb(cluster: EmbeddedCluster, authority: Authority) -> AsyncIterator[Connection]:
    """The connection of an app whose user is a clerk, who may use `orders` and nobody else may."""
    settings = EsdbSettings(
        connection_string=cluster.connection_string,
        tls_ca_file=authority.file,
        username=CLERK.username,
        password=CLERK.password,
        wait=2 * PATIENCE,
        deadline=2 * PATIENCE,
    )
    async with connect(settings) as connection:
        await connection.users.create("clerk", "a-password", groups=["clerks"], credentials=ADMIN)
        await connection.users.create("guest", "a-password", credentials=ADMIN)
        acl = StreamAcl(read="clerks", write="clerks")
        await connection.set_metadata("orders", StreamMetadata(acl=acl), credentials=ADMIN)
        yield connection


async def check_rights(esdb: Connection) -> None:
    """The clerk may, the guest may not, and who has a wrong password is nobody."""
    assert await esdb.read("orders").to_list()
    with pytest.raises(AccessDenied):
        await esdb.read("orders", credentials=Credentials("guest", CLERK.password)).to_list()
    with pytest.raises(NotAuthenticated):
        await esdb.read("orders", credentials=Credentials("clerk", SecretStr("wrong"))).to_list()


async def test_rights_outlive_the_leader(cluster: EmbeddedCluster, esdb: Connection) -> None:
    """Appends go on at the next leader, users and rights are there, and so they are at the node that comes back."""
    await esdb.append("orders", PLACED, NO_STREAM)
    await check_rights(esdb)
    for revision in range(2):
        leader = await cluster.wait_leader()
        await cluster.kill_node(leader)
        result = await esdb.append("orders", NewEvent("OrderPaid", {}), revision, retry_unknown=True)
        assert result.revision == revision + 1
        await check_rights(esdb)
        await cluster.start_node(leader)
        await cluster.wait_joined()
    assert [event.type for event in await esdb.read("orders").to_list()] == ["OrderPlaced", "OrderPaid", "OrderPaid"]


async def test_followers_ask_for_rights_too(esdb: Connection) -> None:
    """A read at a follower is no way around them."""
    await esdb.append("orders", PLACED)
    async with esdb.subscribe("orders", read_preference=NodePreference.FOLLOWER) as events:
        assert (await anext(events)).type == "OrderPlaced"
    guest = Credentials("guest", CLERK.password)
    with pytest.raises(AccessDenied):
        await esdb.read("orders", read_preference=NodePreference.FOLLOWER, credentials=guest).to_list()


async def test_from_the_command_line() -> None:
    """`--nodes 3 --tls --secure` prints all that a client needs but the user, wherever it listens."""
    first = free_ports(3)
    arguments = ("--nodes", "3", "--host", "::1", "--port", str(first), "--tls", "--secure", "--log-level", "error")
    async with python("-m", "fastapi_esdb.embedded", *arguments) as process:
        string = await process.line()
        hosts = ",".join(f"[::1]:{port}" for port in range(first, first + 3))
        assert string.startswith(f"esdb://{hosts}?tls=true&tlsCaFile=/")
        settings = EsdbSettings(
            connection_string=string, username=ADMIN.username, password=ADMIN.password, wait=PATIENCE
        )
        async with connect(settings) as esdb:
            await esdb.append("orders", PLACED, NO_STREAM)
            assert len(await esdb.cluster.members()) == 3
        assert await process.ended(signal.SIGTERM) == 0
