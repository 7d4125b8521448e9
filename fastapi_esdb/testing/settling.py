"""Waiting until the consumers of an app have handled everything, and what came of that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from fastapi_esdb.consumers.reaching import is_at
from fastapi_esdb.consumers.sources import CatchUpSource, GroupSource
from fastapi_esdb.consumers.status import ConsumerStatus
from fastapi_esdb.plugin.consumers.consumers import AppConsumer
from fastapi_esdb.plugin.esdb import Esdb
from fastapi_esdb.plugin.started import all_started_in
from fastapi_esdb.wire.errors import DeadlineExceeded
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.streams.values import ALL

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection

EVERY = 0.02
"""Seconds between two looks at a group."""


async def settled(app: Starlette, *, timeout: float = 10.0) -> None:
    """Wait until every consumer of a running app has handled all that is stored, and all that they made of it.

    What was skipped or parked counts as handled. In a test that is a `def`: `client.portal.call(settled, app)`. After
    10 s (`timeout`) an `AssertionError` names the consumers that are behind, and the error that each met last.
    """
    with suppress(TimeoutError, DeadlineExceeded):
        async with asyncio.timeout(timeout):
            while [each for each, esdb in _consumers(app) if await _has_waited(each, esdb, timeout)]:
                pass  # what they have done meanwhile may be something to others
            return
    raise AssertionError(f"not settled within {timeout:g} s: " + "; ".join(await _behind(app)))


def _consumers(app: Starlette) -> Iterator[tuple[AppConsumer, Connection]]:
    for started in all_started_in(app):
        if isinstance(started.owner, Esdb):
            for consumer in started.owner.consumers.values():
                yield consumer, started.connection


async def _has_waited(consumer: AppConsumer, connection: Connection, timeout: float) -> bool:
    """Wait until a consumer has handled what is stored now; return whether that took any time."""
    source = consumer.definition.source
    if isinstance(source, GroupSource):
        return await _group_has_waited(source, connection)
    last = await _last(source, connection)
    if last is None or _is_there(consumer.status, last):
        return False
    await consumer.reached(last, timeout)
    return True


def _is_there(status: ConsumerStatus, last: int | Position) -> bool:
    return is_at(status.place, last) or is_at(status.position, last)


async def _last(source: CatchUpSource, connection: Connection) -> int | Position | None:
    """Return the place of the last event that a consumer is to see."""
    if source.stream != ALL:
        revision = await connection.last_revision(source.stream)
        return revision if isinstance(revision, int) else None
    found = await connection.read_all(backwards=True, limit=1, filter=source.filter).to_list()
    return found[0].position if found else None


async def _group_has_waited(source: GroupSource, connection: Connection) -> bool:
    """Wait until a group knows of all there is, and nothing of it is in anybody's hands."""
    last = await _last(CatchUpSource(source.stream), connection)
    has_waited = False
    while True:
        info = await connection.persistent_subscriptions.info(source.stream, source.group)
        left = info.in_flight + info.outstanding + info.retry_buffer_count + info.read_buffer_count
        if not left and (last is None or info.last_known is None or is_at(info.last_known, last)):
            return has_waited
        has_waited = True
        await asyncio.sleep(EVERY)


async def _behind(app: Starlette) -> list[str]:
    behind: list[str] = []
    for consumer, connection in _consumers(app):
        source, status = consumer.definition.source, consumer.status
        last = await _last(source, connection) if isinstance(source, CatchUpSource) else None
        if last is None and not status.lag_events:
            continue
        if last is not None and _is_there(status, last):
            continue
        error = f", which met {status.last_error.__name__} last" if status.last_error else ""
        behind.append(f"consumer {status.name!r} is {status.state.value} at {status.place}{error}")
    return behind
