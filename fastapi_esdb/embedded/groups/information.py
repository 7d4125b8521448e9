"""What a group tells of itself (protocol 6.5)."""

from __future__ import annotations

from fastapi_esdb.embedded.groups.consumer import Consumer
from fastapi_esdb.embedded.groups.group import ConsumerGroup
from fastapi_esdb.wire.groups import GroupConnection


def status_of(group: ConsumerGroup) -> str:
    """The words that servers use, with commas between."""
    words = {
        "Behind": not group.buffer.is_live,
        "ReplayingParkedMessages": group.is_replaying,
        "Live": group.buffer.is_live,
    }
    return ", ".join(word for word, applies in words.items() if applies)


def connection_of(consumer: Consumer, now: float) -> GroupConnection:
    """What is told of one consumer; its counters are measured with this."""
    average, count = consumer.meter.measure(now)
    return GroupConnection(
        username=consumer.caller.username,
        name=consumer.caller.name,
        average_per_second=average,
        total_items=consumer.meter.total,
        count_since_last_measurement=count,
        available_slots=consumer.available_slots,
        in_flight=len(consumer.in_flight),
        measurements=consumer.latencies.summary() if consumer.latencies else {},
    )
