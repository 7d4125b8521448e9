"""The embedded server with TLS and users answers as a real one of the version that it announces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from fastapi_esdb.embedded.certificate import ServerCertificate
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.services.admin import VERSION
from fastapi_esdb.settings.choices import TransportKind
from tests.conformance.channels import channel_to
from tests.conformance.comparison import difference
from tests.conformance.messages import Json
from tests.conformance.runner import Runner, recorded, scenarios
from tests.support.transports import OVER_BOTH

SCENARIOS = scenarios("secure_users", "secure_access")


@pytest.fixture(params=["memory", "sqlite"])
async def runner(request: pytest.FixtureRequest, tmp_path: Path, transport: TransportKind) -> AsyncIterator[Runner]:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    tls = ServerCertificate(issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes())
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    path = tmp_path / "events.db" if request.param == "sqlite" else None
    async with (
        EmbeddedServer(path=path, tls=tls, secure=True) as server,
        channel_to(server.address, transport, trusted) as channel,
    ):
        yield Runner(channel)


@OVER_BOTH
@pytest.mark.parametrize(("file", "scenario"), [pytest.param(f, s, id=f"{f}/{s['name']}") for f, s in SCENARIOS])
async def test_scenario(file: str, scenario: Json, runner: Runner) -> None:
    """The answers to a scenario are those that the real server gave."""
    answered = await runner.run(scenario)
    assert not difference(answered, recorded(VERSION, file, scenario["name"]))


def test_all_scenarios_are_there() -> None:
    """No scenario is lost on the way."""
    assert len(SCENARIOS) == 7
