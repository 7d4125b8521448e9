"""One cost, and the limit that it must stay below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measurement import Summary, summary


@dataclass(frozen=True, slots=True)
class Cost:
    """What something takes, in `unit`; `limit` is `None` where it is only told."""

    what: str
    unit: str
    value: Summary
    limit: float | None = None

    @classmethod
    def of(cls, what: str, unit: str, values: Sequence[float], limit: float | None = None) -> Cost:
        return cls(what, unit, summary(values), limit)
