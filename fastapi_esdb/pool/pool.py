"""`ConnectionPool`: connections that come and go by themselves, as one thing to make calls with."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from fastapi_esdb.connection.caller import DEFAULT_OPTIONS, CallOptions, ping
from fastapi_esdb.connection.deadline import patience
from fastapi_esdb.connection.state import Admission, ConnectionState
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.log import log
from fastapi_esdb.pool.calls import Calls
from fastapi_esdb.pool.cluster.by_preference import ConnectionsByPreference
from fastapi_esdb.pool.generations import Generations
from fastapi_esdb.pool.hooks import Hook, Hooks
from fastapi_esdb.pool.resolution_state import NewestPosition, StreamLocks
from fastapi_esdb.pool.statistics import ConnectionStatus, Counters
from fastapi_esdb.pool.timeline import Timeline
from fastapi_esdb.telemetry.config import AS_FOUND, Telemetry, instrumentation_of
from fastapi_esdb.wire.errors import AccessDenied, CalledAs, EsdbError, NotAuthenticated
from fastapi_esdb.wire.streams.methods import APPEND

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.telemetry.instrumentation import Instrumentation
    from fastapi_esdb.wire.method import Method
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

_OTHERS_FAIL = "all calls fail but those with credentials of their own"
_ADMISSIONS = {
    Admission.REFUSED: f"the server refuses the credentials (ESDB_USERNAME, ESDB_PASSWORD): {_OTHERS_FAIL}",
    Admission.MISSING: f"the server asks for credentials (ESDB_USERNAME, ESDB_PASSWORD): {_OTHERS_FAIL}",
    Admission.GRANTED: "the server lets calls in now",
}
_ADMISSIONS_WITH_PROVIDER = _ADMISSIONS | {
    Admission.REFUSED: f"the server refuses the credentials that the provider gives: {_OTHERS_FAIL}",
    Admission.MISSING: f"the server asks for credentials, and the provider gives none: {_OTHERS_FAIL}",
}
_WORST_FIRST = tuple(_ADMISSIONS)


class ConnectionPool(Calls):
    """A number of connections to one database; a `Caller`.

    Open it on the event loop it is used on, with `open` or as an async context manager. From then on it connects by
    itself, until `close`. Calls take a connection that is up and raise `ConnectionClosed` at once where there is none,
    unless the settings let them wait.
    """

    def __init__(self, settings: EsdbSettings, name: str = "default", telemetry: Telemetry = AS_FOUND) -> None:
        counters = Counters()
        self._generations = Generations(name, counters, self._notice)
        super().__init__(name, settings, self._generations, counters)
        self.seen = NewestPosition()
        """The newest position that this client has seen."""
        self.stream_locks = StreamLocks()
        """Locks that let one append a stream find out what has become of it."""
        self._telemetry = telemetry
        self._instrumentation: Instrumentation | None = None
        self.timeline = Timeline()
        """The states that its connections have been in."""
        self._hooks = Hooks()
        self._on_connect: list[Hook] = []
        self._on_disconnect: list[Hook] = []
        self._was_connected = False
        self._admission = Admission.GRANTED
        self._server_version: str | None = None

    def __repr__(self) -> str:
        attempts = sum(status.attempts for status in self.connections)
        return f"<ConnectionPool {self.name} {self.state} connections={len(self.connections)} attempts={attempts}>"

    @property
    def state(self) -> ConnectionState:
        """Connected if any connection is, connecting if none is, closed before `open` and after `close`."""
        current = self._generations.current
        if current is None:
            return ConnectionState.CLOSED
        return ConnectionState.CONNECTED if current.is_connected else ConnectionState.CONNECTING

    @property
    def is_connected(self) -> bool:
        """Return whether a call could leave now."""
        return self.state is ConnectionState.CONNECTED

    @property
    def admission(self) -> Admission:
        """Tells if the server lets calls in that have no credentials of their own, as far as is known."""
        return self._admission

    @property
    def is_ready(self) -> bool:
        """Return whether a call could leave now, and would be let in."""
        return self.is_connected and self._admission is Admission.GRANTED

    @property
    def is_closed(self) -> bool:
        """Return whether it is closed; it stays so until `open` or `connect`."""
        return self._generations.current is None

    @property
    def connections(self) -> tuple[ConnectionStatus, ...]:
        """The status of each connection."""
        return tuple(ConnectionStatus.of(node) for node in self._generations.nodes)

    @property
    def most_connections(self) -> int:
        """The number of connections that it opens at most."""
        return self.settings.max_connections

    @property
    def addresses(self) -> dict[str, str]:
        """The nodes that its connections are connected to, by the names of these; not for everybody's eyes."""
        return {node.name: node.channel.host.address for node in self._generations.nodes if node.channel}

    @property
    def last_error(self) -> EsdbError | None:
        """The reason that there is no connection, or fewer than there should be, as far as one is known."""
        return next((node.last_error for node in self._generations.nodes if node.last_error), None)

    @property
    def calls_by_kind(self) -> Mapping[str, int]:
        """The calls that were begun since the pool was made, by their names in the protocol."""
        return MappingProxyType(self._counters.calls_by_kind)

    @property
    def failures_by_kind(self) -> Mapping[str, int]:
        """The calls that ended with an error since the pool was made, by the name of its class."""
        return MappingProxyType(self._counters.failures_by_kind)

    @property
    def address(self) -> str:
        """The hosts of the connection string."""
        return ",".join(host.address for host in self.settings.target.hosts)

    @property
    def instrumentation(self) -> Instrumentation | None:
        """Makes spans and measurements of calls; `None` until there is a provider that takes them."""
        if self._instrumentation is None:
            self._instrumentation = instrumentation_of(self._telemetry)
            if self._instrumentation is not None:
                self._instrumentation.watch_pool(self)
        return self._instrumentation

    def host_of(self, method: Method[Any, Any], options: CallOptions) -> Host | None:
        """Return the host that a call goes to, as far as that is known before it has been made."""
        current = self._generations.current
        if current is None or self._only_host is not None:
            return self._only_host
        return current.at(self._placement.preferred(method, options)).host

    @property
    def server_version(self) -> str | None:
        """The version of the server that was connected to last ("24.6.0"). Servers before 21.10 don't tell."""
        return self._server_version

    async def open(self) -> None:
        """Begin to connect, and return after the first attempt, successful or not.

        Only with `require_connection` an absent server is an error: `ConnectionClosed`, if there is no connection
        within `start_timeout`; and so is one that refuses the credentials (`NotAuthenticated`), or asks for some where
        there are none (`AccessDenied`). Raises `InvalidSettings` for settings that can't work. More than once does no
        harm.
        """
        await self._open(self.settings.start_timeout if self.settings.require_connection else None)

    async def connect(self) -> None:
        """Open it again after `close`, with the settings it has; an absent server is no error."""
        await self._open(None)

    async def close(self) -> None:
        """Disconnect now, and stay so until `connect`. Calls in flight and waiting fail with `ConnectionClosed`.

        When it returns nothing is left of the connections: no task, no socket. More than once does no harm.
        """
        if self._generations.has_ended:
            return
        self._generations.check_affinity()
        self._generations.shut()
        await self._generations.ended()
        await self._hooks.finish()
        self._generations.forget_ended()

    async def reconnect(self) -> None:
        """Replace each connection by a fresh one now, without waiting for the next attempt to be due.

        Returns when each has tried. Calls in flight go on; a connection that can't be replaced counts as lost.
        """
        await self._generations.opened().renew()

    async def reconfigure(self, settings: EsdbSettings) -> None:
        """Use other settings: open new connections, then let the old ones end with their last calls.

        Raises `ConnectionClosed`, and leaves everything as it was, if there is no connection with the new settings
        within their `connect_timeout`, or if the pool was closed in the meantime. A closed pool only keeps the
        settings for `connect`. The provider of credentials stays the one that the pool was made with. With
        other hosts, appends name no versions of schemas until they are attached again: another database has others.
        """
        settings = settings.asking(self.settings.provider)
        await self._generations.replace(settings)
        if settings.target.hosts != self.settings.target.hosts:
            self.schema_ids.clear()
        self._use(settings)
        self.seen, self.stream_locks = NewestPosition(), StreamLocks()

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Wait until there is a connection.

        Raises `ConnectionClosed` after `timeout` seconds (default: the settings' deadline), and when it is closed.
        """
        limit = self.deadline if timeout is None else patience(timeout, "timeout")
        try:
            await self._generations.opened().wait_connected(limit)
        except ConnectionClosed as error:
            error.pool = self.name
            raise

    async def ping(self, timeout: float | None = None) -> None:
        """Wait until the server has answered a cheap call with the pool's credentials; raises what goes wrong."""
        await ping(self, timeout)

    def on_connect(self, hook: Hook) -> Hook:
        """Have `hook`, a function or coroutine function, run whenever the pool becomes connected. Returns it."""
        self._on_connect.append(hook)
        return hook

    def on_disconnect(self, hook: Hook) -> Hook:
        """Have `hook` run whenever the pool has lost its last connection, or was closed. Returns it."""
        self._on_disconnect.append(hook)
        return hook

    def stats(self) -> dict[str, int | float]:
        """Return numbers by name: the present ones, and totals since the pool was made."""
        nodes, current = self.connections, self._generations.current
        return {
            "connections": len(nodes),
            "connected": sum(status.state is ConnectionState.CONNECTED for status in nodes),
            "calls_in_flight": sum(status.in_flight for status in nodes),
            "streams_open": sum(status.streams for status in nodes),
            "calls_waiting": current.waiting if current else 0,
            **self._counters.totals(),
        }

    def request_failed(self) -> None:
        """Count a request of the app that was answered with a 5xx because of this pool."""
        self._counters.requests_failed += 1

    def append(
        self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS
    ) -> Coroutine[Any, Any, AppendResult]:
        """Append events; see `Caller.append`."""
        self._generations.check_affinity()
        return self._appends.make(request, options, self._begin(APPEND, options))

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _open(self, start_timeout: float | None) -> None:
        mine = self._generations.open(self.settings)
        connections = self._generations.opened()
        try:
            await connections.first_attempts()
            if start_timeout is not None:
                await _connected_within(connections, start_timeout)
                self._require_admission()
        except BaseException:
            if mine and self._generations.current is connections:
                await self.close()
            raise

    def _require_admission(self) -> None:
        if self._admission is Admission.GRANTED:
            return
        refused = self._admission is Admission.REFUSED
        error = NotAuthenticated() if refused else AccessDenied()
        own = CalledAs.CONNECTION if self.settings.provider is None else CalledAs.PROVIDER
        error.called_as = own if refused else CalledAs.NOBODY
        error.pool = self.name
        raise error

    def _notice(self) -> None:
        """Run the hooks if the pool has connected or lost its last connection; log when calls are refused."""
        self.timeline.note(self._generations.nodes)
        self._notice_admission()
        connected = self.is_connected
        known = (version for node in self._generations.nodes if (version := node.server_version))
        self._server_version = next(known, self._server_version)
        if connected != self._was_connected:
            self._was_connected = connected
            self._hooks.run(self._on_connect if connected else self._on_disconnect)

    def _notice_admission(self) -> None:
        """Take what one node refuses for refused until that node says otherwise; without one nothing is known."""
        said = {node.admission for node in self._generations.nodes if node.is_connected}
        before = self._admission
        self._admission = next((each for each in _WORST_FIRST if each in said), before)
        if self._admission is not before:
            self._tell_admission()

    def _tell_admission(self) -> None:
        texts = _ADMISSIONS_WITH_PROVIDER if self.settings.provider else _ADMISSIONS
        text = f"{self.name}: {texts[self._admission]}"
        match self._admission:
            case Admission.GRANTED:
                log.info("calls_admitted", text, pool=self.name)
            case Admission.REFUSED:
                log.warning("credentials_refused", text, pool=self.name)
            case Admission.MISSING:
                log.warning("credentials_missing", text, pool=self.name)


async def _connected_within(connections: ConnectionsByPreference, start_timeout: float) -> None:
    try:
        await connections.wait_connected(start_timeout)
    except ConnectionClosed as error:
        error.add_note(f"the start waited {start_timeout:g} s (ESDB_START_TIMEOUT), as ESDB_REQUIRE_CONNECTION is set")
        raise
