"""What differs from run to run in an exchange, as symbols.

In a scenario, `${run}` is a suffix of its own for each run, `@uuid:name` one UUID per name and run,
`@basic:user:password` a Basic authorization and `@var:name` what an earlier step saved. In an answer, positions, times
and ids that the server made become symbols numbered in the order they appear in, so that two runs compare equal when
they mean the same.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
CHECKPOINT = re.compile(r"C:\d+/P:\d+")

POSITIONS = {"position", "commit_position", "prepare_position", "commitPosition", "preparePosition"}
FIXED_POSITIONS = {"0", "-1", str(2**63 - 1), str(2**64 - 1)}
TICKS = {"created", "ticks_since_epoch", "time_stamp"}
OPAQUE = {
    "subscription_id": "@subscription_id",
    "stateReason": "@stateReason",
    "leader-endpoint-host": "@leader",
    "leader-endpoint-port": "@leader",
}
MEASURED = {
    "average_per_second",
    "average_items_per_second",
    "coreProcessingTime",
    "count_since_last_measurement",
    "eventsProcessedAfterRestart",
    "port",
    "version",
}
TRANSPORT_TRAILERS = {"date", "server", "content-length"}
PROJECTION_TAGS = {"$v", "$c", "$p"}
"""Where a projection notes its own positions in the metadata of what it emits."""


class Names:
    """The symbols of one run and what they stand for."""

    def __init__(self) -> None:
        self.run = uuid.uuid4().hex[:12]
        self.saved: dict[str, Any] = {}
        self.uuids: dict[str, str] = {}

    def fill(self, value: Any) -> Any:
        """The value of a scenario with concrete values in the place of its symbols."""
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        return self._fill_text(value) if isinstance(value, str) else value

    def _fill_text(self, text: str) -> Any:
        if text.startswith("@var:"):
            return self.saved[text.removeprefix("@var:")]
        text = re.sub(r"@uuid:([\w-]+)", lambda found: self._uuid(found[1]), text.replace("${run}", self.run))
        if text.startswith("@basic:"):
            return "Basic " + base64.b64encode(text.removeprefix("@basic:").encode()).decode()
        return text

    def _uuid(self, name: str) -> str:
        return self.uuids.setdefault(name, str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.run}/{name}")))


def normalise(results: list[dict[str, Any]], names: Names) -> Any:
    """The answers of one run with symbols in the place of what is different in every run."""
    return _Normaliser(names).walk(results)


class _Normaliser:
    def __init__(self, names: Names) -> None:
        self._run = names.run
        self._ids = {value: f"@uuid:{name}" for name, value in names.uuids.items()}
        self._positions: dict[str, str] = {}

    def walk(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return self._object(value, key)
        if isinstance(value, list):
            return [self.walk(item, key) for item in value]
        if key == "progress" and isinstance(value, float):
            return round(value, 2)
        return self._text(value, key) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any], key: str) -> Any:
        if "most_significant_bits" in value or "least_significant_bits" in value:
            return self._symbols(str(uuid.UUID(int=_from_halves(value))))
        dropped = TRANSPORT_TRAILERS if key == "trailers" else MEASURED
        kept = {name: item for name, item in value.items() if name not in dropped or isinstance(item, dict)}
        return {self._symbols(name): self.walk(item, name) for name, item in kept.items()}

    def _text(self, text: str, key: str) -> str:
        if key in OPAQUE:
            return OPAQUE[key]
        if key in POSITIONS and text not in FIXED_POSITIONS:
            return self._positions.setdefault(text, f"@position#{len(self._positions) + 1}")
        if key in TICKS and text.isdigit():
            return "@ticks"
        if key == "custom_metadata" and text.startswith("@utf8:{"):
            return self._json(text.removeprefix("@utf8:"))
        return self._symbols(text)

    def _json(self, text: str) -> str:
        body = {key: item for key, item in json.loads(text).items() if key not in PROJECTION_TAGS}
        return "@json:" + json.dumps(self.walk(body), sort_keys=True)

    def _symbols(self, text: str) -> str:
        text = CHECKPOINT.sub("@checkpoint", TIME.sub("@time", text))
        text = UUID.sub(lambda found: self._ids.setdefault(found[0].lower(), f"@uuid#{len(self._ids)}"), text)
        return text.replace(self._run, "${run}")


def _from_halves(value: dict[str, Any]) -> int:
    most, least = (int(value.get(f"{half}_significant_bits", 0)) & (2**64 - 1) for half in ("most", "least"))
    return most << 64 | least
