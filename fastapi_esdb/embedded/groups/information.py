"""The information about a group (protocol 6.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi_esdb.embedded.groups.consumer import Consumer
from fastapi_esdb.embedded.groups.group import ConsumerGroup
from fastapi_esdb.wire.groups.values import GroupConnection, GroupInfo
from fastapi_esdb.wire.positions import Edge, Position

Point = int | Position
"""A revision of a stream, or a position in `$all`, as clients see it."""


def information(
    group: ConsumerGroup,
    *,
    source: str,
    name: str,
    start: Point | Literal[Edge.END],
    parked: int,
    for_clients: Callable[[int], Point],
    now: float,
) -> GroupInfo:
    """Return the state of the group. This is also a measurement of its counters and those of its consumers."""
    average, count = group.meter.measure(now)
    checkpoint, last_known = group.checkpoint, group.last_known
    return GroupInfo(
        source=source,
        group=name,
        status=_status(group),
        settings=group.settings,
        start=start,
        last_checkpointed=None if checkpoint is None else for_clients(checkpoint),
        last_known=None if last_known is None else for_clients(last_known),
        connections=tuple(_connection(consumer, now) for consumer in group.consumers),
        average_per_second=average,
        total_items=group.meter.total,
        count_since_last_measurement=count,
        read_buffer_count=len(group.buffer.events),
        live_buffer_count=len(group.buffer.recent),
        retry_buffer_count=len(group.buffer.retries),
        in_flight=group.in_flight,
        outstanding=group.in_flight,
        parked=parked,
    )


def _status(group: ConsumerGroup) -> str:
    """Return the words that servers use. OutstandingPageRequest is not among them, since pages are there at once."""
    words = {
        "Behind": not group.buffer.is_live,
        "ReplayingParkedMessages": group.is_replaying,
        "Live": group.buffer.is_live,
    }
    return ", ".join(word for word, applies in words.items() if applies)


def _connection(consumer: Consumer, now: float) -> GroupConnection:
    average, count = consumer.meter.measure(now)
    return GroupConnection(
        username=consumer.subscriber.username,
        name=consumer.subscriber.name,
        average_per_second=average,
        total_items=consumer.meter.total,
        count_since_last_measurement=count,
        available_slots=consumer.available_slots,
        in_flight=len(consumer.in_flight),
        measurements=consumer.latencies.summary() if consumer.latencies is not None else {},
    )
