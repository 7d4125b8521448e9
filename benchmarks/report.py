"""The result of a comparison, as it is kept in JSON: what was measured, by case and contender."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.cases import KURRENT, TECHNIQUE, Case
from benchmarks.measurement import Measurement, Summary, ratios, summary
from benchmarks.server import described

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("fastapi-esdb", "kurrentdbclient", "grpcio", "protobuf")


@dataclass(frozen=True, slots=True)
class Row:
    """One contender in one case: microseconds an operation, and how many times as much others use.

    `gain` is over kurrentdbclient; `nearness` is the share of the bare technique's operations in the same CPU time.
    """

    contender: str
    cpu: Summary
    wall: Summary
    gain: Summary | None = None
    speed_up: Summary | None = None
    technique: str | None = None
    nearness: Summary | None = None

    @classmethod
    def of(cls, name: str, case: Case, runs: Mapping[str, Sequence[Measurement]]) -> Row:
        own, other = runs[name], runs.get(KURRENT)
        technique = TECHNIQUE.get((case.kind.value, name))
        bare = runs.get(technique) if technique else None
        return cls(
            name,
            summary([run.cpu for run in own]),
            summary([run.wall for run in own]),
            _compared("cpu", other, own),
            _compared("wall", other, own),
            technique if bare else None,
            _compared("cpu", bare, own),
        )


def _compared(what: str, others: Sequence[Measurement] | None, own: Sequence[Measurement]) -> Summary | None:
    if not others:
        return None
    return ratios([getattr(run, what) for run in others], [getattr(run, what) for run in own])


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case. An operation is a `unit`."""

    name: str
    title: str
    unit: str
    operations: int
    callers: int
    rows: Sequence[Row]

    @classmethod
    def of(cls, case: Case, runs: Mapping[str, Sequence[Measurement]]) -> Comparison:
        """Contenders that the server has no calls for are left out."""
        rows = [Row.of(name, case, runs) for name in case.contenders if runs[name]]
        return cls(case.name, case.title, case.unit, case.operations, case.callers, rows)


def as_json(comparisons: Sequence[Comparison], rounds: int, server: str) -> dict[str, Any]:
    """The whole result."""
    return {**circumstances(server), "rounds": rounds, "cases": [asdict(one) for one in comparisons]}


def circumstances(server: str) -> dict[str, Any]:
    """When and on what it was measured."""
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": described(),
        "server": server,
        "versions": {package: version(package) for package in PACKAGES},
    }


def write_json(name: str, content: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Keep a result, with as many digits as anybody reads."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(rounded(content), indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Numbers with four significant digits, all the way down."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def read_json(name: str, folder: Path = RESULTS) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found
