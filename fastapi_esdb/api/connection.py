"""`Connection`: what `Depends(get_connection)` gives, and `connect()`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self

from fastapi_esdb.api import arguments
from fastapi_esdb.api.bound import BoundCarrier, Choices
from fastapi_esdb.api.deciders.joint_decisions import JointDecisions
from fastapi_esdb.api.metadata import Metadata
from fastapi_esdb.api.monitoring import Monitoring
from fastapi_esdb.api.raw_calls import RawCalls
from fastapi_esdb.api.stop import Stop
from fastapi_esdb.api.subscriptions import Subscriptions
from fastapi_esdb.connection.caller import CallOptions, ping
from fastapi_esdb.settings.credentials import WANTED, AnyCredentials
from fastapi_esdb.wire.errors import CalledAs, InvalidArgument

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.api.indexes import Indexes
    from fastapi_esdb.api.monitoring import Cluster
    from fastapi_esdb.api.operations import Operations
    from fastapi_esdb.api.persistent_subscriptions import PersistentSubscriptions
    from fastapi_esdb.api.projections import Projections
    from fastapi_esdb.api.schemas import Schemas
    from fastapi_esdb.api.users import Users
    from fastapi_esdb.connection.state import ConnectionState
    from fastapi_esdb.pool.hooks import Hook
    from fastapi_esdb.pool.pool import ConnectionPool
    from fastapi_esdb.settings.credentials import CredentialsProvider


class Connection(JointDecisions, Subscriptions, Metadata, Monitoring, RawCalls):
    """EventStoreDB: one object for all calls, safe to share between tasks.

    It stands for a pool of connections that come and go by themselves. While there is none, calls raise
    `ConnectionClosed` at once unless the settings let them wait.
    """

    def __init__(self, pool: ConnectionPool, stop: Stop | None = None, carrier: Carrier | None = None) -> None:
        self._untraced = carrier or _carrier_of(pool)
        super().__init__(_traced(self._untraced, pool), stop)
        self.pool = pool
        """The connections behind it: their states, counters, hooks, and other settings for them."""

    def __repr__(self) -> str:
        return f"<Connection {self.state.value}>"

    # What few apps need is loaded when it is used: it takes a fifth of the time of the import.

    @cached_property
    def persistent_subscriptions(self) -> PersistentSubscriptions:
        """Consumer groups, which the server keeps."""
        from fastapi_esdb.api.persistent_subscriptions import PersistentSubscriptions  # noqa: PLC0415

        return PersistentSubscriptions(self._carrier, self._stop)

    @cached_property
    def projections(self) -> Projections:
        """Programs that the server runs over its events."""
        from fastapi_esdb.api.projections import Projections  # noqa: PLC0415

        return Projections(self._carrier)

    @cached_property
    def users(self) -> Users:
        """The server's users."""
        from fastapi_esdb.api.users import Users  # noqa: PLC0415

        return Users(self._carrier)

    @cached_property
    def operations(self) -> Operations:
        """Maintenance of the nodes: scavenges, indexes, shutdown."""
        from fastapi_esdb.api.operations import Operations  # noqa: PLC0415

        return Operations(self._carrier)

    @cached_property
    def indexes(self) -> Indexes:
        """The indexes that users define."""
        from fastapi_esdb.api.indexes import Indexes  # noqa: PLC0415

        return Indexes(self._carrier)

    @cached_property
    def schemas(self) -> Schemas:
        """The registry of schemas."""
        from fastapi_esdb.api.schemas import Schemas  # noqa: PLC0415

        return Schemas(self._carrier)

    @cached_property
    def cluster(self) -> Cluster:
        """The nodes of the cluster."""
        from fastapi_esdb.api.monitoring import Cluster  # noqa: PLC0415

        return Cluster(self._carrier)

    def bound(
        self,
        *,
        credentials: AnyCredentials | CredentialsProvider | None = None,
        timeout: float | None = None,
        requires_leader: bool | None = None,
    ) -> Self:
        """Return a view of the connection whose calls have these options wherever they are given none of their own.

        It is for one request: `esdb.bound(credentials=BearerToken(…), timeout=2)` has the rights of its caller go with
        all that an endpoint does. The connections are the same, so it costs nothing and needs no closing. A provider of
        credentials is asked before each call, and again if the server refuses what it gave. `timeout` (seconds) is for
        each call; subscriptions have no end. Views of a view keep what they don't replace. Raises `InvalidArgument`.
        """
        if not (credentials is None or callable(credentials) or isinstance(credentials, AnyCredentials)):
            raise InvalidArgument(f"{WANTED}, not {type(credentials).__name__}")  # the value may be a token
        provider = credentials if callable(credentials) else None
        fixed = None if callable(credentials) else credentials
        choices = Choices(CallOptions.of(timeout, fixed, requires_leader), provider)
        return type(self)(self.pool, self._stop, BoundCarrier(self._untraced, choices))

    @property
    def is_connected(self) -> bool:
        """True while there is a connection that a call could leave on."""
        return self.pool.is_connected

    @property
    def state(self) -> ConnectionState:
        """`closed` (on purpose), `connecting` or `connected`."""
        return self.pool.state

    @property
    def server_version(self) -> str | None:
        """The version that the server gave when it was connected to, `None` before that."""
        return self.pool.server_version

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Return as soon as there is a connection.

        Raises `ConnectionClosed` after `timeout` seconds without one, and when it is closed. `None` waits as long as a
        call would (the settings' deadline), `math.inf` for as long as it takes.
        """
        await self.pool.wait_connected(timeout)

    async def ping(self, timeout: float | None = None) -> None:
        """Return when the server has answered a cheap call within `timeout` seconds; raises what hindered it."""
        await ping(self._carrier, arguments.seconds(timeout, "timeout"))

    async def close(self) -> None:
        """Disconnect and stay so until `connect()`; calls in flight fail with `ConnectionClosed`.

        That goes for all who share the connection.
        """
        await self.pool.close()

    async def connect(self) -> None:
        """Connect again after `close()`, with the settings given at the start."""
        await self.pool.connect()

    async def reconnect(self) -> None:
        """Open fresh connections now, without waiting for the next try that is due."""
        await self.pool.reconnect()

    def on_connect(self, hook: Hook) -> Hook:
        """Have `hook`, a function or coroutine function, run whenever there is a connection again. Returns it."""
        return self.pool.on_connect(hook)

    def on_disconnect(self, hook: Hook) -> Hook:
        """Have `hook` run whenever the last connection is lost, or closed. Returns it."""
        return self.pool.on_disconnect(hook)


def _carrier_of(pool: ConnectionPool) -> Carrier:
    """Return the pool, or what asks the provider of its settings before each call."""
    provider = pool.settings.provider
    return pool if provider is None else BoundCarrier(pool, Choices(provider=provider, called_as=CalledAs.PROVIDER))


def _traced(carrier: Carrier, pool: ConnectionPool) -> Carrier:
    """Return the carrier, or what makes spans of its calls if there is somebody to take them."""
    instrumentation = pool.instrumentation
    if instrumentation is None:
        return carrier
    from fastapi_esdb.api.traced import TracedCarrier  # noqa: PLC0415  few need it

    return TracedCarrier(carrier, pool, instrumentation)
