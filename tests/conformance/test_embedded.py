"""The embedded server answers as a real one of the version that it announces."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.services.admin import VERSION
from fastapi_esdb.settings.choices import TransportKind
from tests.conformance.channels import channel_to
from tests.conformance.comparison import difference
from tests.conformance.messages import Json
from tests.conformance.runner import Runner, recorded, scenarios
from tests.support.transports import OVER_HTTP2

FILES = (
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
    "operations",
    "v2_append_session",
    "v2_append_records",
)
SCENARIOS = scenarios(*FILES)
QUICK = scenarios("append", "batch_append", "read_stream", "metadata", "v2_append_records")


@pytest.fixture(params=["memory", "sqlite"])
async def runner(request: pytest.FixtureRequest, tmp_path: Path, transport: TransportKind) -> AsyncIterator[Runner]:
    path = tmp_path / "events.db" if request.param == "sqlite" else None
    async with EmbeddedServer(path=path) as server, channel_to(server.address, transport) as channel:
        yield Runner(channel)


@pytest.mark.parametrize(("file", "scenario"), [pytest.param(f, s, id=f"{f}/{s['name']}") for f, s in SCENARIOS])
async def test_scenario(file: str, scenario: Json, runner: Runner) -> None:
    """The answers to a scenario are those that the real server gave."""
    answered = await runner.run(scenario)
    assert not difference(answered, recorded(VERSION, file, scenario["name"]))


@OVER_HTTP2
@pytest.mark.parametrize("runner", ["memory"], indirect=True)
@pytest.mark.parametrize(("file", "scenario"), [pytest.param(f, s, id=f"{f}/{s['name']}") for f, s in QUICK])
async def test_scenario_over_http2(file: str, scenario: Json, runner: Runner) -> None:
    """Our own HTTP/2 brings every message, status and trailer as grpcio does."""
    answered = await runner.run(scenario)
    assert not difference(answered, recorded(VERSION, file, scenario["name"]))


def test_all_scenarios_are_there() -> None:
    """No scenario is lost on the way: there are 109 exchanges about what the server can do."""
    assert len(SCENARIOS) == 109


ANSWERS = recorded(VERSION, "append", "append_no_stream_twice")
FAILED = recorded(VERSION, "delete", "delete_missing")
FELL_OVER = recorded(VERSION, "read_stream", "read_count_zero")


def changed(answers: list[Json], place: str, value: object) -> list[Json]:
    """The same answers with another value in one place."""
    answers = copy.deepcopy(answers)
    *way, last = (int(part) if part.isdigit() else part for part in place.split("."))
    item: object = answers
    for part in way:
        item = item[part]  # type: ignore[index]  # a way through lists and objects alike
    item[last] = value  # type: ignore[index]  # as above
    return answers


@pytest.mark.parametrize(
    ("answers", "place", "value"),
    [
        (ANSWERS, "0.responses.0.success.current_revision", "1"),
        (ANSWERS, "0.responses", []),
        (ANSWERS, "1.responses.0", {"success": {}}),
        (ANSWERS, "2.responses.0.event.event.data", "@utf8:{}"),
        (ANSWERS, "2.responses.0.event.event.id.string", "@uuid:f0"),
        (ANSWERS, "2.responses.0.event.commit_position", "@position#2"),
        (FAILED, "0.status.code", "NOT_FOUND"),
        (FAILED, "0.status.trailers.actual-version", "0"),
        (FAILED, "0.status", {"code": "OK", "details": "", "trailers": {}}),
        (FELL_OVER, "1.status.code", "OK"),
    ],
)
def test_a_wrong_answer_is_noticed(answers: list[Json], place: str, value: object) -> None:
    """Whatever is wrong in an answer shows as a difference."""
    assert not difference(answers, answers)
    assert difference(changed(answers, place, value), answers)


def test_what_need_not_be_equal() -> None:
    """The text of a status may be another, and where the real server fell over any failure is as good."""
    assert not difference(changed(FAILED, "0.status.details", "No."), FAILED)
    assert not difference(changed(FELL_OVER, "1.status.code", "INVALID_ARGUMENT"), FELL_OVER)


async def test_a_server_that_differs_is_noticed(runner: Runner) -> None:
    """A scenario whose steps ask for something else gets other answers than the recorded ones."""
    scenario = copy.deepcopy(next(s for f, s in SCENARIOS if (f, s["name"]) == ("append", "append_no_stream_twice")))
    options = scenario["steps"][1]["requests"][0]["options"]
    options["any"] = options.pop("no_stream")
    assert difference(await runner.run(scenario), ANSWERS)
