"""The embedded server's indexes and schemas answer as those of a real one of the version that it announces."""

from __future__ import annotations

import asyncio
from itertools import repeat
from pathlib import Path

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.services.admin import VERSION
from fastapi_esdb.settings.choices import TransportKind
from tests.conformance.channels import channel_to
from tests.conformance.comparison import difference
from tests.conformance.messages import Json
from tests.conformance.runner import Runner, recorded, scenarios

FILES = {"v2_indexes": 13, "v2_registry": 12}
"""The number of scenarios in each."""


async def compared(file: str, scenario: Json, path: Path | None, transport: TransportKind) -> tuple[str, str]:
    """The scenario's name, and where a server that it has for itself differs."""
    async with EmbeddedServer(path=path) as server, channel_to(server.address, transport) as channel:
        answered = await Runner(channel).run(scenario)
    return scenario["name"], difference(answered, recorded(VERSION, file, scenario["name"]))


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
@pytest.mark.parametrize("file", FILES)
async def test_scenarios(file: str, storage: str, tmp_path: Path, transport: TransportKind) -> None:
    """The answers to all scenarios, which are mostly waiting and so run side by side, are those of a real server."""
    those = [scenario for _, scenario in scenarios(file)]
    paths = [tmp_path / f"{n}.db" if storage == "sqlite" else None for n in range(len(those))]
    results = await asyncio.gather(*map(compared, repeat(file), those, paths, repeat(transport)))
    assert dict(results) == {scenario["name"]: "" for scenario in those}


@pytest.mark.parametrize(("file", "count"), FILES.items())
def test_all_scenarios_are_there(file: str, count: int) -> None:
    """No scenario is lost on the way."""
    assert len(scenarios(file)) == count
