"""The results as tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.faults.audit import Audit
from benchmarks.faults.plan import FREEZE, KILL, RESIGN, RESTART
from benchmarks.faults.results import FaultResult, Results

NAMES = {
    KILL: "leader killed",
    FREEZE: "leader frozen",
    RESIGN: "leader resigns",
    RESTART: "rolling restart",
}
"""What a fault is called, in the order of the tables."""


DISTURBED = 0.1
"""Seconds: a fault during which the machine kept the benchmark waiting for longer tells more of that machine."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of what came of the events."""

    name: str
    value: Callable[[Audit], int]


ROWS = (
    Row("appends acknowledged", lambda one: one.acked),
    Row("appends failed", lambda one: one.failed),
    Row("acknowledged events lost", lambda one: one.lost),
    Row("events stored twice", lambda one: one.doubled),
    Row("stored though the append raised, and the error said so", lambda one: one.said_open),
    Row("stored though the append raised, without a word of that", lambda one: one.unsaid),
    Row("events missing in a catch-up subscription", lambda one: one.missing),
    Row("events delivered twice, out of order, or unstored by one", lambda one: one.misdelivered),
    Row("events that the persistent subscription did not deliver", lambda one: one.unconsumed),
    Row("subscriptions opened again by the user's own code", lambda one: one.reopened),
    Row("subscriptions that ended for good", lambda one: one.ended),
)


def table(results: Results) -> str:
    """Both tables, and what they are of."""
    return "\n".join([*_faults(results), "", *_events(results), "", _about(results), ""])


def _about(results: Results) -> str:
    facts = results.about
    clients = ", ".join(f"{client} {release}" for client, release in facts["clients"].items())
    machine = f"Python {facts['python']}, {facts['system']}, {facts['cpus']} processors"
    return f"Measured on {facts['date']}: {clients}, grpcio {facts['grpcio']}, {machine}."


def _faults(results: Results) -> Iterator[str]:
    yield (
        "| fault | client | appends failed | longest gap: median, worst | beyond the election: median, worst |"
        " worst of the undisturbed | did not come back |"
    )
    yield "|---|---|--:|--:|--:|--:|--:|"
    for kind in NAMES:
        if faults := results.of_kind(kind):
            yield _election(kind, faults)
            for client in results.clients:
                yield _costs(client, faults)


def _election(kind: str, faults: Sequence[FaultResult]) -> str:
    """The line above those of the clients."""
    took = [fault.election for fault in faults]
    return f"| **{NAMES[kind]}**, {len(faults)} times | *election* | | *{_seconds(took)}* | | | |"


def _costs(client: str, faults: Sequence[FaultResult]) -> str:
    costs = [fault.costs[client] for fault in faults]
    failed, away = sum(cost.failed for cost in costs), sum(not cost.is_back for cost in costs)
    gaps = _seconds([cost.gap for cost in costs])
    beyond = [fault.beyond(client) for fault in faults]
    calm = [fault.beyond(client) for fault in faults if fault.stall < DISTURBED]
    worst = f"{max(calm):.2f} s" if calm else "–"
    return f"| | {client} | {failed} | {gaps} | {_seconds(beyond)} | {worst} | {away} |"


def _seconds(values: Sequence[float]) -> str:
    return f"{median(values):.2f} s, {max(values):.2f} s"


def _events(results: Results) -> Iterator[str]:
    totals = {client: results.total(client) for client in results.clients}
    yield f"| over all faults | {' | '.join(totals)} |"
    yield f"|---|{'--:|' * len(totals)}"
    for row in ROWS:
        yield f"| {row.name} | {' | '.join(f'{row.value(total):,}' for total in totals.values())} |"
