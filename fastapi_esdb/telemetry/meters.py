"""The measurements of a meter provider: durations as they happen, and states when somebody asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar
from weakref import WeakKeyDictionary, ref

from opentelemetry.metrics import CallbackOptions, Observation

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""The bounds that the conventions want for durations of database calls, in seconds."""

POOL, CONSUMER = "db.client.connection.pool.name", "messaging.consumer.group.name"
CONNECTION_STATE, CONSUMER_STATE = "db.client.connection.state", "esdb.consumer.state"


class ObservedConnection(Protocol):
    """A connection, as far as it is measured."""

    @property
    def state(self) -> str: ...
    @property
    def in_flight(self) -> int: ...


class ObservedPool(Protocol):
    """A pool, as far as it is measured."""

    name: str

    @property
    def is_closed(self) -> bool: ...
    @property
    def most_connections(self) -> int: ...
    @property
    def connections(self) -> Sequence[ObservedConnection]: ...
    def stats(self) -> Mapping[str, float]: ...


class ConsumerNow(Protocol):
    """A consumer at one moment, as far as it is measured."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def handled(self) -> int: ...
    @property
    def parked(self) -> int: ...
    @property
    def lag_events(self) -> int: ...
    @property
    def lag_seconds(self) -> float: ...


class ObservedConsumer(Protocol):
    """Runs a consumer."""

    @property
    def status(self) -> ConsumerNow: ...


Observed = TypeVar("Observed")
Tell = Callable[[CallbackOptions], list[Observation]]


NUMBERS_OF_POOLS = {
    "calls_waiting": ("db.client.connection.pending_requests", "{request}", "Calls that wait for a connection."),
    "calls_in_flight": ("esdb.client.calls.in_flight", "{call}", "Calls under way, long-lived ones among them."),
    "streams_open": ("esdb.client.subscriptions", "{subscription}", "Long-lived calls, such as subscriptions."),
}
TOTALS_OF_POOLS = {
    "retries_total": ("esdb.client.retries", "{retry}", "Times that a call was made again."),
    "connects_total": ("esdb.client.connections.opened", "{connection}", "Connections that were made."),
    "disconnects_total": ("esdb.client.connections.lost", "{connection}", "Connections that were lost or closed."),
    "requests_failed_total": (
        "esdb.client.requests.failed",
        "{request}",
        "Requests of the app that were answered with a 5xx because of the database.",
    ),
}
"""What is measured of a pool, by the names that its `stats` have."""


class Meters:
    """The measurements that one provider takes, of all pools and consumers in this process."""

    def __init__(self, meter: Meter) -> None:
        # another thread may ask, while the event loop adds to them
        self._pools: tuple[ref[ObservedPool], ...] = ()
        self._consumers: dict[tuple[str, str], ref[ObservedConsumer]] = {}
        self.calls = meter.create_histogram(
            "db.client.operation.duration",
            "s",
            "Duration of database client operations.",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        self.handling = meter.create_histogram(
            "messaging.process.duration",
            "s",
            "Duration of attempts to handle an event.",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        self._measure_pools(meter)
        self._measure_consumers(meter)

    def add_pool(self, pool: ObservedPool) -> None:
        """Measure a pool, too, as long as it is there."""
        self._pools = (*(each for each in self._pools if each() is not None), ref(pool))

    def add_consumer(self, pool: str, consumer: ObservedConsumer) -> None:
        """Measure a consumer, too, whose connection is that pool's; it replaces the one that had the name before."""
        self._consumers[pool, consumer.status.name] = ref(consumer)

    def _measure_pools(self, meter: Meter) -> None:
        up_down = meter.create_observable_up_down_counter
        up_down("db.client.connection.count", [self._connections], "{connection}", "Connections, by their state.")
        most = self._of_pools(lambda pool: pool.most_connections)
        up_down("db.client.connection.max", [most], "{connection}", "Connections that there may be.")
        for key, (name, unit, text) in NUMBERS_OF_POOLS.items():
            up_down(name, [self._of_pools(_stat(key))], unit, text)
        for key, (name, unit, text) in TOTALS_OF_POOLS.items():
            meter.create_observable_counter(name, [self._of_pools(_stat(key))], unit, text)

    def _measure_consumers(self, meter: Meter) -> None:
        lag = self._of_consumers(lambda status: status.lag_events)
        text = "Events that have arrived and are not handled yet."
        meter.create_observable_up_down_counter("esdb.consumer.lag.events", [lag], "{event}", text)
        age = self._of_consumers(lambda status: status.lag_seconds)
        meter.create_observable_gauge("esdb.consumer.lag.time", [age], "s", "Age of the oldest of these.")
        handled = self._of_consumers(lambda status: status.handled)
        meter.create_observable_counter("esdb.consumer.handled", [handled], "{event}", "Events that were handled.")
        parked = self._of_consumers(lambda status: status.parked)
        text = "Events that became dead letters."
        meter.create_observable_counter("esdb.consumer.parked", [parked], "{event}", text)
        states = self._of_consumers(lambda _: 1, lambda status: {CONSUMER_STATE: str(status.state)})
        meter.create_observable_up_down_counter("esdb.consumer.count", [states], "{consumer}", "Consumers, by state.")

    def _connections(self, _options: CallbackOptions) -> list[Observation]:
        counts: Counter[tuple[str, str]] = Counter()
        for pool in _alive(self._pools):
            counts.update({(pool.name, state): 0 for state in ("idle", "used", "connecting")})
            counts.update((pool.name, _state(connection)) for connection in pool.connections)
        return [Observation(count, {POOL: name, CONNECTION_STATE: state}) for (name, state), count in counts.items()]

    def _of_pools(self, value: Callable[[ObservedPool], float]) -> Tell:
        def tell(_options: CallbackOptions) -> list[Observation]:
            sums: dict[str, float] = {}  # several pools may have the same name
            for pool in _alive(self._pools):
                sums[pool.name] = sums.get(pool.name, 0) + value(pool)
            return [Observation(found, {POOL: name}) for name, found in sums.items()]

        return tell

    def _of_consumers(
        self, value: Callable[[ConsumerNow], float], more: Callable[[ConsumerNow], dict[str, str]] = lambda _: {}
    ) -> Tell:
        def tell(_options: CallbackOptions) -> list[Observation]:
            return [
                Observation(value(status), {POOL: pool, CONSUMER: status.name, **more(status)})
                for (pool, _), found in tuple(self._consumers.items())
                for status in (consumer.status for consumer in _alive((found,)))
            ]

        return tell


def _alive(refs: Iterable[ref[Observed]]) -> Iterator[Observed]:
    return (thing for each in refs if (thing := each()) is not None)


def _stat(key: str) -> Callable[[ObservedPool], float]:
    return lambda pool: pool.stats()[key]


def _state(connection: ObservedConnection) -> str:
    """Return the state of a connection in the words of the conventions, where they have one."""
    if connection.state != "connected":
        return str(connection.state)
    return "used" if connection.in_flight else "idle"


_OF_PROVIDERS: WeakKeyDictionary[MeterProvider, Meters] = WeakKeyDictionary()


def meters_of(provider: MeterProvider, scope: str, version: str) -> Meters:
    """Return the measurements that a provider takes: the same for all pools, since their callbacks can't be removed."""
    if provider not in _OF_PROVIDERS:
        _OF_PROVIDERS[provider] = Meters(provider.get_meter(scope, version))
    return _OF_PROVIDERS[provider]
