"""A follower with TLS and users answers as a real one did."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

from fastapi_esdb.embedded import EmbeddedCluster, ServerCertificate
from fastapi_esdb.embedded.services.admin import VERSION
from tests.conformance.comparison import difference
from tests.conformance.messages import Json
from tests.conformance.runner import Runner, recorded, scenarios

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCENARIOS = scenarios("follower_calls", "follower_v2")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runner() -> AsyncIterator[Runner]:
    certificate = ServerCertificate.made()
    trusting = grpc.ssl_channel_credentials(certificate.authority)
    async with EmbeddedCluster(tls=certificate, secure=True) as cluster:
        follower = next(node for node in cluster.nodes if node is not cluster.leader)
        async with grpc.aio.secure_channel(follower.address, trusting, [("grpc.enable_http_proxy", 0)]) as channel:
            yield Runner(channel)


@pytest.mark.parametrize(("file", "scenario"), [pytest.param(f, s, id=f"{f}/{s['name']}") for f, s in SCENARIOS])
async def test_scenario(file: str, scenario: Json, runner: Runner) -> None:
    """The answers to a scenario are those that the real follower gave."""
    answered = await runner.run(scenario)
    assert not difference(answered, recorded(VERSION, file, scenario["name"]))


async def test_all_scenarios_are_there() -> None:
    """No scenario is lost on the way."""
    assert len(SCENARIOS) == 6
