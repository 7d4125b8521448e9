"""The exchanges with real servers as fixtures: what was asked, what was answered, and the messages they were.

Recordings name by symbols what differs from run to run (`@position#1`, `@uuid:e0`, `@ticks`). `concrete` puts one
fixed value in the place of each symbol, the same one everywhere, and `to_message` makes the protobuf message of it.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

Json = dict[str, Any]
M = TypeVar("M", bound=Message)

HERE = Path(__file__).parent
VERSIONS = ("24.6.0", "26.1.0")

RUN = "run"
TICKS = 17_000_000_001_234_560
"""The moment of every recorded event, in 100 ns since 1970: 2023-11-14 22:13:20.123456 UTC."""
TIME = "2023-11-14T22:13:20.123456Z"
FIRST_POSITION = 1000
LEADER = {"leader-endpoint-host": "127.0.0.1", "leader-endpoint-port": "2113"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One step of a recorded scenario: the requests sent in it, the responses and perhaps the status received."""

    version: str
    file: str
    scenario: str
    step: int
    rpc: str
    requests: tuple[Json, ...]
    responses: tuple[Json, ...]
    status: Json | None

    def __str__(self) -> str:
        return f"{self.version}/{self.file}/{self.scenario}/{self.step}"


def exchanges(*files: str) -> Iterator[Exchange]:
    """Every step of the recorded files of that name (all files without a name), in both versions."""
    for version in VERSIONS:
        for path in sorted((HERE / "recorded" / version).glob("*.json")):
            if not files or path.stem in files:
                yield from _of_file(version, path)


def each_of(found: Iterable[Exchange]) -> Callable[[Callable[[Exchange], None]], Callable[[str], None]]:
    """Make a check of an exchange a test of each recorded file, whose failure names the exchange.

    Thousands of tests would take far longer to be collected and told of than to run.
    """
    recordings: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in found:
        recordings[f"{exchange.version}/{exchange.file}"].append(exchange)

    def of_each_file(check: Callable[[Exchange], None]) -> Callable[[str], None]:
        def test(recording: str) -> None:
            for exchange in recordings[recording]:
                try:
                    check(exchange)
                except BaseException as failure:
                    failure.add_note(f"at {exchange}")
                    raise

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return pytest.mark.parametrize("recording", recordings)(test)

    return of_each_file


def _of_file(version: str, path: Path) -> Iterator[Exchange]:
    answers = json.loads(path.read_text())
    for scenario in json.loads((HERE / "scenarios" / path.name).read_text()):
        name = scenario["name"]
        yield from _of_scenario((version, path.stem, name), scenario["steps"], answers[name])


def _of_scenario(where: tuple[str, str, str], steps: list[Json], answers: list[Json]) -> Iterator[Exchange]:
    open_calls: dict[str, str] = {}
    saved: Json = {}
    for index, (step, answer) in enumerate(zip(steps, answers, strict=True)):
        requests = tuple(_filled(step.get("requests", []), saved))
        responses = tuple(answer.get("responses", ()))
        yield Exchange(*where, index, _rpc(step, open_calls), requests, responses, answer.get("status"))
        saved |= {name: _at(answer, place) for name, place in step.get("save", {}).items()}


def _rpc(step: Json, open_calls: dict[str, str]) -> str:
    if "open" in step:
        open_calls[step["open"]] = step["rpc"]
    name = next((step[verb] for verb in ("open", "send", "recv", "close") if verb in step), "")
    return str(step.get("call") or open_calls.get(name, ""))


def _filled(value: Any, saved: Json) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, saved) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, saved) for item in value]
    if isinstance(value, str) and value.startswith("@var:"):
        return saved[value.removeprefix("@var:")]
    return value


def _at(value: Any, place: str) -> Any:
    for part in place.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def concrete(text: str) -> str:
    """The text with a value in the place of each symbol."""
    text = text.replace("${run}", RUN).replace("@ticks", str(TICKS)).replace("@time", TIME)
    text = text.replace("@checkpoint", f"C:{FIRST_POSITION}/P:{FIRST_POSITION}")
    text = re.sub(r"@position#(\d+)", lambda found: str(FIRST_POSITION + int(found[1])), text)
    return re.sub(r"@uuid[:#]([\w-]+)", lambda found: str(uuid_of(found[1])), text)


def uuid_of(name: str) -> uuid.UUID:
    """The UUID that stands for the symbols `@uuid:name` and `@uuid#name`."""
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


def trailers_of(status: Json) -> dict[str, str]:
    """The trailers of a recorded status; the rich details are not among them, see `rich_details_of`."""
    return {name: LEADER.get(name) or concrete(value) for name, value in status["trailers"].items()}


def rich_details_of(status: Json, status_class: type[M], pool: DescriptorPool) -> M | None:
    """The google.rpc.Status that a v2 call answered with, `None` where it had none."""
    if "rich_details" not in status:
        return None
    walked = [_any(detail, pool) for detail in status["rich_details"]]
    value = {"message": concrete(status["details"]), "details": walked}
    return json_format.ParseDict(value, status_class(), descriptor_pool=pool)


def to_message(cls: type[M], recorded: Mapping[str, Any]) -> M:
    """A recorded JSON object as the message it was, with values in the place of the symbols."""
    descriptor: Any = cls.DESCRIPTOR  # the stubs of protobuf give a union of its two implementations
    pool = descriptor.file.pool
    return json_format.ParseDict(_object(recorded, descriptor, pool), cls(), descriptor_pool=pool)


def _object(value: Mapping[str, Any], descriptor: Descriptor, pool: DescriptorPool) -> Json:
    fields = descriptor.fields_by_name
    return {key: _field(item, fields[key], pool) for key, item in value.items()}


def _field(value: Any, field: FieldDescriptor, pool: DescriptorPool) -> Any:
    if isinstance(value, list):
        return [_field(item, field, pool) for item in value]
    if field.message_type is not None:
        return _submessage(value, field.message_type, pool)
    if field.type == field.TYPE_BYTES:
        return base64.b64encode(_bytes(value)).decode()
    return concrete(value) if isinstance(value, str) else value


def _submessage(value: Any, descriptor: Descriptor, pool: DescriptorPool) -> Any:
    if descriptor.full_name == "google.protobuf.Any":
        return _any(value, pool)
    if descriptor.full_name == "event_store.client.UUID.Structured" and isinstance(value, str):
        return _halves(concrete(value))
    if descriptor.GetOptions().map_entry or descriptor.full_name.startswith("google.protobuf."):
        return json.loads(concrete(json.dumps(value)))
    return _object(value, descriptor, pool)


def _any(value: Json, pool: DescriptorPool) -> Json:
    name = value["@type"]
    inner = pool.FindMessageTypeByName(name.rsplit("/", 1)[1])
    return {"@type": name, **_object({k: v for k, v in value.items() if k != "@type"}, inner, pool)}


def _halves(text: str) -> Json:
    number = uuid.UUID(text).int
    most, least = (int.from_bytes(half, signed=True) for half in (number.to_bytes(16)[:8], number.to_bytes(16)[8:]))
    return {"most_significant_bits": str(most), "least_significant_bits": str(least)}


def _bytes(value: str) -> bytes:
    if value.startswith("@b64:"):
        return base64.b64decode(value.removeprefix("@b64:"))
    if value.startswith("@fill:"):
        return b"x" * int(value.removeprefix("@fill:"))
    return concrete(value.removeprefix("@json:").removeprefix("@utf8:")).encode()
