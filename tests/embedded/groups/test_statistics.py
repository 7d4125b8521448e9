"""Counters, latencies, and what a group tells of itself."""

from fastapi_esdb.embedded.groups.consumer import Latencies, Meter
from fastapi_esdb.embedded.groups.information import information
from fastapi_esdb.wire.groups.values import GroupInfo
from fastapi_esdb.wire.positions import Position
from tests.embedded.groups.support import FedGroup, fetch, ids


def info(group: FedGroup) -> GroupInfo:
    return information(
        group.rules,
        source="a",
        name="g",
        start=0,
        parked=7,
        for_clients=lambda position: Position(position, position),
        now=group.clock.now,
    )


def test_a_meter_counts_since_the_last_look() -> None:
    """The average is over the time since the last measurement."""
    meter = Meter(now=10.0)
    for _ in range(6):
        meter.count()
    assert meter.measure(now=12.0) == (3, 6)
    assert meter.measure(now=13.0) == (0, 0)
    assert meter.total == 6


def test_a_meter_that_is_read_at_once_divides_by_nothing() -> None:
    """No time, no average."""
    meter = Meter(now=10.0)
    meter.count()
    assert meter.measure(now=10.0) == (0, 1)


def test_latencies_are_summed_up() -> None:
    """Milliseconds, under the names of real servers."""
    latencies = Latencies()
    assert latencies.summary() == {}
    for number in range(1, 101):
        latencies.add(number / 1000)
    assert latencies.summary() == {
        "Mean": 50,
        "Median": 51,
        "Fastest": 1,
        "Quintile 1": 21,
        "Quintile 2": 41,
        "Quintile 3": 61,
        "Quintile 4": 81,
        "Quintile 5": 100,
        "90%": 91,
        "95%": 96,
        "99%": 100,
        "99.5%": 100,
        "99.9%": 100,
        "Highest": 100,
    }


def test_old_latencies_are_forgotten() -> None:
    """Only the last thousand count."""
    latencies = Latencies()
    for seconds in [9.0] + [1.0] * 1000:
        latencies.add(seconds)
    assert latencies.summary()["Highest"] == 1000


def test_a_new_group_tells_little() -> None:
    """Nothing was read, nobody is there."""
    told = info(FedGroup())
    assert (told.source, told.group, told.start, told.parked) == ("a", "g", 0, 7)
    assert told.status == "Behind"
    assert told.last_known is told.last_checkpointed is None
    assert told.connections == ()


def test_a_working_group_tells_all() -> None:
    """Every number is there, positions as clients know them."""
    group = FedGroup(min_checkpoint_count=1, extra_statistics=True)
    one, two, *_ = group.read(1, 2, 3, 4)
    consumer = group.join(2)
    fetch(consumer)
    group.clock.now += 0.25
    group.rules.acknowledge(ids(one))
    group.pass_time(1.75)
    group.rules.written(1)
    told = info(group)
    assert told.status == "Live"
    assert (told.last_known, told.last_checkpointed) == (Position(4, 4), Position(1, 1))
    assert (told.read_buffer_count, told.retry_buffer_count, told.live_buffer_count) == (1, 0, 0)
    assert (told.in_flight, told.outstanding, told.total_items) == (2, 2, 3)
    assert (told.average_per_second, told.count_since_last_measurement) == (1, 3)
    [connection] = told.connections
    assert (connection.in_flight, connection.available_slots, connection.total_items) == (2, 0, 3)
    assert connection.measurements["Highest"] == 250
    assert two.id in consumer.in_flight


def test_without_extra_statistics_nothing_is_measured() -> None:
    """The histogram is for groups that ask for it."""
    group = FedGroup()
    [one] = group.read(1)
    group.join()
    group.rules.acknowledge(ids(one))
    assert info(group).connections[0].measurements == {}


def test_the_status_names_a_replay() -> None:
    """Words are in the order of real servers."""
    group = FedGroup(first=None)
    group.rules.is_replaying = True
    group.write(1)
    told = info(group)
    assert told.status == "ReplayingParkedMessages, Live"
    assert told.live_buffer_count == 1
