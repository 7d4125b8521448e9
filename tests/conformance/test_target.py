"""A server of yours answers as the recorded one whose version is nearest: `make test TARGET=esdb://…`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from fastapi_esdb import ConnectionString, connect
from tests.conformance.comparison import difference
from tests.conformance.messages import Json
from tests.conformance.runner import Runner, recorded, scenarios
from tests.support.target import TARGET
from tests.support.waiting import PATIENCE

OLD, NEW = "24.6.0", "26.1.0"
SINCE_NEW = (24, 10)
"""From this version on, servers tell more in some frames, as the newer recording has it."""

EVERYWHERE = (
    "append",
    "batch_append",
    "read_stream",
    "read_all",
    "delete",
    "metadata",
    "links",
    "subscribe_stream",
    "subscribe_all",
    "cluster",
    "persistent",
    "projections",
)
V2 = ("v2_append_session", "v2_append_records", "v2_indexes", "v2_registry")
WITH_USERS = ("secure_users", "secure_access")
"""For a server that asks for users; the others were recorded on servers that let everybody in."""

NEED_A_QUIET_SERVER = {
    "read_all_backwards_end",
    "all_from_end_filtered",
    "all_after_position",
    "projection_statistics",
    "system_by_correlation_id",
    "ordinary_user",
}
"""They show what others write, too, and what becomes of the server's own projections."""

FILES = WITH_USERS if TARGET and ConnectionString.parse(TARGET).credentials else (*EVERYWHERE, *V2)
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]

pytestmark = pytest.mark.skipif(not TARGET, reason="no TARGET to compare with")


async def version_of(target: str) -> str:
    """The recorded version that is nearest to that of the server."""
    async with connect(target) as esdb:
        await esdb.wait_connected(PATIENCE)
        found = tuple(int(part) for part in (esdb.server_version or "0").split(".")[:2])
    return NEW if found >= SINCE_NEW else OLD


@pytest.fixture
def target() -> str:
    return TARGET


def trusting(authority: Path | None) -> grpc.ChannelCredentials:
    """Credentials of a channel that trusts the authority of the connection string, if it names one."""
    return grpc.ssl_channel_credentials(authority.read_bytes() if authority else None)


@pytest.fixture
async def runner(target: str) -> AsyncIterator[Runner]:
    parsed = ConnectionString.parse(target)
    address, options = parsed.hosts[0].address, parsed.options
    if options.tls:
        channel = grpc.aio.secure_channel(address, trusting(options.tls_ca_file), OPTIONS)
    else:
        channel = grpc.aio.insecure_channel(address, OPTIONS)
    async with channel:
        yield Runner(channel)


@pytest.mark.parametrize(
    ("file", "scenario"),
    [pytest.param(f, s, id=f"{f}/{s['name']}") for f, s in scenarios(*FILES) if s["name"] not in NEED_A_QUIET_SERVER],
)
async def test_scenario(file: str, scenario: Json, runner: Runner, target: str) -> None:
    """The answers to a scenario are those that were recorded."""
    version = await version_of(target)
    if file in V2 and version == OLD:
        pytest.skip(f"the server has no {file}")
    assert not difference(await runner.run(scenario), recorded(version, file, scenario["name"]))
