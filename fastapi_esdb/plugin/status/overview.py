"""The first page: what this process knows of its connections and consumers, and what the server says when asked."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi_esdb.consumers.sources import CatchUpSource, Source, all_events, text_of
from fastapi_esdb.consumers.status import ConsumerStatus
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.plugin.health import health_of
from fastapi_esdb.plugin.status import drawing
from fastapi_esdb.plugin.status.watch import Sample, Watch
from fastapi_esdb.plugin.status.words import REASONS, Told, told, trouble_of
from fastapi_esdb.wire.errors import DeadlineExceeded

if TYPE_CHECKING:
    from fastapi_esdb.consumers.dead_letters import DeadLetter
    from fastapi_esdb.plugin.consumers.consumers import Consumers
    from fastapi_esdb.plugin.started import Started
    from fastapi_esdb.wire.admin.cluster import Member
    from fastapi_esdb.wire.groups.values import GroupInfo
    from fastapi_esdb.wire.projections.values import ProjectionStatistics

SECTIONS = ("summary", "connections", "consumers", "letters", "calls", "cluster", "groups", "projections")
"""The parts of the page, each made by a template of that name."""

TIMEOUT = 3.0
"""Seconds that the server has for it."""
MOST_LETTERS = 50
"""Dead letters that are shown of a consumer."""
MOST_CHANGES = 30
"""Changes of state that are listed."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of the server."""

    members: Told[Sequence[Member]]
    groups: Told[Sequence[GroupInfo]]
    projections: Told[Sequence[ProjectionStatistics]]
    letters: Mapping[str, Told[Sequence[DeadLetter]]]


async def ask(started: Started, consumers: Consumers) -> Answers:
    """Ask the server, unless it is known already that there is no connection: those calls would count as failed."""
    esdb = started.connection
    names = [definition.name for definition, _ in started.consumers()]
    if not esdb.is_connected:
        nothing: Told[Any] = Told(trouble=trouble_of(ConnectionClosed()))
        return Answers(nothing, nothing, nothing, dict.fromkeys(names, nothing))
    (members, groups, projections), letters = await asyncio.gather(
        asyncio.gather(
            told(esdb.cluster.members(timeout=TIMEOUT)),
            told(esdb.persistent_subscriptions.list(timeout=TIMEOUT)),
            told(esdb.projections.list(timeout=TIMEOUT)),
        ),
        asyncio.gather(*(told(_letters(consumers, name)) for name in names)),
    )
    return Answers(members, groups, projections, dict(zip(names, letters, strict=True)))


async def _letters(consumers: Consumers, name: str) -> Sequence[DeadLetter]:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await consumers[name].dead_letters.list(limit=MOST_LETTERS)
    except TimeoutError:
        raise DeadlineExceeded from None


@dataclass(frozen=True, slots=True)
class ConsumerRow:
    """A consumer as the page shows it."""

    name: str
    source: str
    state: str
    place: str | None
    lag_events: int
    lag_seconds: float
    handled: int
    parked: int
    last_error: str
    last_error_at: datetime | None
    is_live: bool
    line: drawing.Line


async def facts(started: Started, watch: Watch, consumers: Consumers) -> dict[str, Any]:
    """Return all that the templates of the page's parts show."""
    answers = await watch.recently.asked(partial(ask, started, consumers))
    pool = started.pool
    now = datetime.now(UTC)
    samples = watch.samples
    changes = pool.timeline.changes
    since = min((own[0].at for own in changes.values() if own), default=now)
    span = drawing.Span.until(now, since)
    # not with the sample of now, since a call in a moment is thousands a second
    rates = drawing.per_second([(sample.at, sample.calls) for sample in samples[:-1]])
    failed = drawing.per_second([(sample.at, sample.failures) for sample in samples[:-1]])
    addresses = pool.addresses
    return {
        "health": health_of(started),
        "reasons": REASONS,
        "stats": pool.stats(),
        "connections": [(each, addresses.get(each.name, "")) for each in pool.connections],
        "trouble": None if pool.is_connected or pool.last_error is None else str(pool.last_error),
        "bars": {name: drawing.bars(own, span) for name, own in changes.items()},
        "changes": drawing.all_changes(changes)[:MOST_CHANGES],
        "span": span,
        "calls": sorted(pool.calls_by_kind.items(), key=lambda item: -item[1]),
        "failures": sorted(pool.failures_by_kind.items(), key=lambda item: -item[1]),
        "rate": drawing.line(rates, span),
        "failure_rate": drawing.line(failed, span),
        "consumers": [
            _row(definition.name, _source_text(definition.source), status, samples, span)
            for definition, status in started.consumers()
        ],
        "answers": answers,
        "most_letters": MOST_LETTERS,
        "now": now,
        "server_version": pool.server_version,
        "target": pool.address,
        "process": f"{os.getpid()} on {socket.gethostname()}",
    }


def _source_text(source: Source) -> str:
    """Return what a consumer handles, with the filter, since most are of `$all`."""
    chosen = source.filter if isinstance(source, CatchUpSource) else None
    if chosen is None:
        return str(source)
    if chosen == all_events().filter:
        return f"{source} without system events"
    kind = "streams" if chosen.by_stream else "types"
    return f"{source}, {kind} {chosen.regex or ', '.join(f'{prefix}…' for prefix in chosen.prefixes)}"


def _row(name: str, source: str, status: ConsumerStatus, samples: Sequence[Sample], span: drawing.Span) -> ConsumerRow:
    lags = [(sample.at, float(sample.lags[name])) for sample in samples if name in sample.lags]
    return ConsumerRow(
        name=name,
        source=source,
        state=status.state.value,
        place=None if status.place is None else text_of(status.place),
        lag_events=status.lag_events,
        lag_seconds=status.lag_seconds,
        handled=status.handled,
        parked=status.parked,
        last_error="" if status.last_error is None else status.last_error.__name__,
        last_error_at=status.last_error_at,
        is_live=status.is_live,
        line=drawing.line(lags, span),
    )
