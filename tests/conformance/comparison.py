"""When an answer means the same as a recorded one.

Messages, status codes and trailers have to be equal. The text of a status is for people. Where the recorded server
fell over (UNKNOWN without an `exception` trailer) every failure is as good: a clear INVALID_ARGUMENT is the better
answer. And a server may list fewer supported methods than the recorded one, never others.
"""

from __future__ import annotations

import copy
import difflib
import json
from typing import Any

from tests.conformance.messages import Json

ANY_FAILURE = {"code": "any failure"}

REGISTRY = "kurrentdb.protocol.registry.v2.schemaregistryservice"
"""The service of schemas, which only some of the recorded servers of 26.1.0 had switched on."""


def difference(answered: list[Json], recorded: list[Json]) -> str:
    """The lines in which the answers of a scenario differ from the recorded ones, empty when they mean the same."""
    left, right = (_lines(_comparable(results, recorded)) for results in (recorded, answered))
    return "\n".join(difflib.unified_diff(left, right, "recorded", "answered", lineterm="", n=2))


def _lines(results: Any) -> list[str]:
    return json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def _comparable(results: list[Json], recorded: list[Json]) -> list[Json]:
    results = copy.deepcopy(results)
    for mine, theirs in zip(results, recorded, strict=True):
        for response, reference in zip(mine.get("responses", []), theirs.get("responses", []), strict=False):
            _forgive_missing_methods(response, reference)
        if "status" in mine:
            mine["status"] = _comparable_status(mine["status"], theirs.get("status", {}))
    return results


def _forgive_missing_methods(response: Json, recorded: Json) -> None:
    if "event_store_server_version" in response and "methods" in recorded:
        response["event_store_server_version"] = "any"
        listed = [method for method in response.get("methods", []) if method["service_name"] != REGISTRY]
        if all(method in recorded["methods"] for method in listed):
            response["methods"] = "none that the recorded server lacks"


def _comparable_status(status: Json, recorded: Json) -> Json:
    fell_over = recorded.get("code") == "UNKNOWN" and not recorded.get("trailers")
    if fell_over and status["code"] != "OK":
        return ANY_FAILURE
    return {key: value for key, value in status.items() if key != "details"}
