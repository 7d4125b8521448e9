"""What was measured, as values and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from benchmarks.faults.audit import Audit


@dataclass(frozen=True, slots=True)
class Cost:
    """What one fault did to one client. Gaps are in seconds."""

    failed: int
    gap: float
    """The longest time without a success that any one writer had."""
    gap_of_all: float
    """The longest time in which no writer had one."""
    is_back: bool
    """Whether all writers went on within the limit."""
    errors: dict[str, int]


@dataclass(frozen=True, slots=True)
class FaultResult:
    """One fault: the seconds that its elections took, and its cost by client.

    `stall` is the longest time in seconds for which the machine kept the benchmark itself waiting meanwhile.
    """

    kind: str
    elections: list[float]
    stall: float
    costs: dict[str, Cost]

    @property
    def election(self) -> float:
        """The longest election; 0 where there was none."""
        return max(self.elections, default=0.0)

    def beyond(self, client: str) -> float:
        """What is left of a client's longest gap without the election."""
        return self.costs[client].gap - self.election


@dataclass(slots=True)
class Results:
    """Everything; `audits` has one per round and client."""

    about: dict[str, Any]
    faults: list[FaultResult] = field(default_factory=list)
    audits: dict[str, list[Audit]] = field(default_factory=dict)

    @property
    def clients(self) -> list[str]:
        return list(self.about["clients"])

    def of_kind(self, kind: str) -> list[FaultResult]:
        """The faults of a kind, in order."""
        return [fault for fault in self.faults if fault.kind == kind]

    def total(self, client: str) -> Audit:
        """The audits of all rounds, added up."""
        rounds = [asdict(one) for one in self.audits[client]]
        return Audit(**{name: sum(one[name] for one in rounds) for name in Audit.__dataclass_fields__})

    def save(self, path: Path) -> None:
        """Write it all, over what was there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` has written."""
        found = json.loads(path.read_text(encoding="utf-8"))
        faults = [
            FaultResult(**one | {"costs": {name: Cost(**cost) for name, cost in one["costs"].items()}})
            for one in found["faults"]
        ]
        audits = {name: [Audit(**one) for one in rounds] for name, rounds in found["audits"].items()}
        return cls(found["about"], faults, audits)


def about(clients: Iterable[str], freeze: float) -> dict[str, Any]:
    """What a reader needs to know of a run: when and where it was, and of what."""
    return {
        "clients": {name: version(name.partition(",")[0].replace("_", "-")) for name in clients},
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "grpcio": version("grpcio"),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "freeze": freeze,
    }
