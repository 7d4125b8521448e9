"""`Esdb`: what an app includes, wraps and depends on. The module's other names belong to the default one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, overload

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from pydantic import Secret
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.decoding import EventDecoder
from fastapi_esdb.consumers.checkpoints import CheckpointStore, InMemory, InStream
from fastapi_esdb.consumers.definition import REACHED_TIMEOUT, STALLED_AFTER, STOP_TIMEOUT, OrderedBy, Run
from fastapi_esdb.consumers.outcomes import Policy
from fastapi_esdb.consumers.sources import Place, Source
from fastapi_esdb.errors import EsdbNotStarted, InvalidSettings
from fastapi_esdb.plugin.consumers.at_least import POSITION_HEADER, at_least_dependency
from fastapi_esdb.plugin.consumers.consumers import Consumers
from fastapi_esdb.plugin.consumers.routes import ConsumerRoutes
from fastapi_esdb.plugin.control import add_commands, show_commands
from fastapi_esdb.plugin.health import health_router
from fastapi_esdb.plugin.idempotency.route import Keys, nobody, route_class, use_in
from fastapi_esdb.plugin.loading import revision_dependency, state_dependency
from fastapi_esdb.plugin.server_log import show_lines_under_uvicorn
from fastapi_esdb.plugin.started import DEFAULT, ClosedByCommand, Started, held, started_for, started_in
from fastapi_esdb.plugin.status.route import add_status, is_page, watched
from fastapi_esdb.plugin.sync import SyncConnection
from fastapi_esdb.plugin.telemetry import joined
from fastapi_esdb.plugin.threads import reaches_threads, refuse_def_endpoint
from fastapi_esdb.settings.credentials import provider_of
from fastapi_esdb.telemetry.config import AS_FOUND, Telemetry
from fastapi_esdb.wire.positions import START

if TYPE_CHECKING:
    from fastapi_esdb.pool.pool import ConnectionPool
    from fastapi_esdb.settings.credentials import AnyCredentials, CredentialsProvider
    from fastapi_esdb.settings.model import EsdbSettings

Lifespan = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]
State = AbstractAsyncContextManager[Mapping[str, Any]]
Wrapped = Callable[[Any], State]
Handler = TypeVar("Handler", bound=Callable[..., Any])

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_TAKEN = {"live", "ready", "close", "connect", "reconnect", "consumers", "status"}


class Esdb:
    """One EventStoreDB for an app: a pool that opens and closes with the app, found by its endpoints.

    Nothing is created before the app starts, nor is anything read. `settings` are an `EsdbSettings`, or a class or
    function that makes one when the app starts. Without them they are read from the environment then, from variables
    that begin with `prefix` (`ESDB_`; see `EsdbSettings`). With `embedded` an app whose settings name no database gets
    the embedded server. `name` keeps several apart; it stands in the paths of the health routes and in log lines.
    `control` is a dependency of the app's own that guards the control routes in place of `ESDB_CONTROL_TOKEN`.
    `credentials` stand in for user name and password; a function is asked for them before each call, such as one that
    fetches tokens: see `CredentialsProvider`. `telemetry` says what OpenTelemetry is told, and what is added to the
    metadata of events.
    """

    def __init__(
        self,
        settings: EsdbSettings | Callable[[], EsdbSettings] | None = None,
        *,
        name: str = DEFAULT,
        prefix: str | None = None,
        embedded: bool = False,
        control: Callable[..., Any] | None = None,
        credentials: AnyCredentials | CredentialsProvider | None = None,
        telemetry: Telemetry = AS_FOUND,
    ) -> None:
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise InvalidSettings(
                f"name must be lower-case letters, digits, '-' or '_' and none of {', '.join(sorted(_TAKEN))}: {name!r}"
            )
        if prefix is not None and settings is not None:
            del settings
            raise InvalidSettings("prefix is for settings from the environment: give either settings or a prefix")
        if not (control is None or callable(control)):
            raise InvalidSettings("control must be a function to depend on, without the Depends() around it")
        self.name = name
        self.consumers = Consumers(name)
        """The consumers of the app, by their names."""
        self.router: APIRouter = health_router(name, self.lifespan)
        add_commands(self.router, name, control)
        ConsumerRoutes(self.router, name, control, self.consumers).add()
        add_status(self.router, name, control, self.consumers)
        self._given: Secret[Any] = Secret(settings)
        self._prefix = prefix
        self._embedded = embedded
        self._has_own_guard = control is not None
        self._provider = None if credentials is None else provider_of(credentials)
        self._telemetry = telemetry

    def __repr__(self) -> str:
        return f"<Esdb {self.name!r}>"

    @overload
    def lifespan(self, around: Starlette) -> State: ...
    @overload
    def lifespan(self, around: Lifespan) -> Wrapped: ...
    def lifespan(self, around: Starlette | Lifespan) -> State | Wrapped:
        """The app's lifespan, or a wrapper of it, within which the pool is open.

        As a lifespan: `FastAPI(lifespan=esdb_lifespan)`. Around one that needs the pool while the app starts or
        stops: `FastAPI(lifespan=esdb_lifespan(own))`. Inside one: `async with esdb_lifespan(app): ...`.
        Beside the included router it is still one pool.
        """
        return self._with_consumers(around) if isinstance(around, Starlette) else self._around(around)

    def _held(self, app: Starlette) -> State:
        return held(app, self.name, self, self._open(app))

    @asynccontextmanager
    async def _with_consumers(self, app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with self._held(app) as state, self._running_consumers(app, state):
            yield state

    @asynccontextmanager
    async def _running_consumers(self, app: Starlette, state: Mapping[str, Any]) -> AsyncIterator[None]:
        started = self._started(app)
        started.consumers = partial(self.consumers.statuses, app)
        async with self.consumers.running(app, state, started.connection), watched(started, self._is_guarded(started)):
            yield

    def _is_guarded(self, of: Started | ConnectionPool) -> bool:
        pool = of.pool if isinstance(of, Started) else of
        return self._has_own_guard or pool.settings.control_token is not None

    def _around(self, own: Lifespan) -> Wrapped:
        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
            async with self._held(app) as state, own(app) as own_state:
                both = {**(own_state or {}), **state}
                async with self._running_consumers(app, both):
                    yield both

        return lifespan

    @asynccontextmanager
    async def _open(self, app: Starlette) -> AsyncIterator[ConnectionPool]:
        from fastapi_esdb.compose import open_pool  # noqa: PLC0415 - what connects is loaded when the app starts

        show_lines_under_uvicorn()
        async with open_pool(self.read_settings(), name=self.name, telemetry=joined(self._telemetry, app)) as pool:
            is_guarded, has_consumers = self._is_guarded(pool), bool(self.consumers)

            def is_shown(path: str) -> bool:
                return is_guarded and not is_page(path) and (has_consumers or "/consumers/" not in path)

            show_commands(app, self.router, is_shown)
            yield pool

    def read_settings(self) -> EsdbSettings:
        """The settings as they are now; an app that starts uses these. Raises `InvalidSettings`."""
        from fastapi_esdb.compose import settings_behind, settings_from  # noqa: PLC0415 - the same

        settings = settings_from(self._given) if self._prefix is None else settings_behind(self._prefix)
        if self._embedded:
            settings = settings.model_copy(update={"embedded": True})
        return settings if self._provider is None else settings.asking(self._provider)

    async def get_connection(self, request: HTTPConnection) -> Connection:
        """The dependency of `async def` endpoints, and the one point that tests override.

        Raises `EsdbNotStarted` where no lifespan ran, `WrongEventLoop` for a `def` endpoint, which could not await its
        calls, and answers 503 while the pool is closed by command. A dependency that is a `def` may hand it on; its
        calls raise `WrongEventLoop` there.
        """
        refuse_def_endpoint(request, self.get_connection)
        started, handed_on = self._serving(request), reaches_threads(request, self.get_connection)
        if use := use_in(request, self):
            return use.of_request(started, handed_on=handed_on)
        return started.handed_on if handed_on else started.of_requests

    async def get_sync_connection(self, request: HTTPConnection) -> SyncConnection:
        """The dependency of `def` endpoints, which run in threads. Tests override it apart from `get_connection`."""
        started = self._serving(request)
        use = use_in(request, self)
        return SyncConnection(use.of_request(started, handed_on=False) if use else started.connection)

    def load(
        self,
        stream: str,
        decider: Any,
        *,
        may_be_new: bool = False,
        require_if_match: bool = False,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the dependency of an endpoint on a stream's state.

        `AnOrder = Annotated[Loaded[Order], load("order-{id}", Order)]` is a type of parameters.
        What stands in braces comes from the path: a text, or what `params` says of it, as an annotation
        (`params={"id": Annotated[str, Path(pattern="[a-z]+")]}`). A stream without events is answered with 404, unless
        it `may_be_new`. `Connection.load` says what a decider is, `Loaded.decide` what to do with the state.

        The answer has the revision as its `ETag`. A `GET` whose `If-None-Match` names it is answered with 304 before
        anything but the last revision is read. What `If-Match` and `If-None-Match` of other requests expect must hold
        when a decision is appended, or the answer is 412; with `require_if_match` one without either gets 428. An
        endpoint that loads several streams has none of this.

        Raises `InvalidArgument` for a name or a decider that can't be.
        """
        return state_dependency(
            stream,
            decider,
            self.get_connection,
            may_be_new=may_be_new,
            require_if_match=require_if_match,
            params=params,
        )

    def revision(
        self,
        stream: str,
        *,
        may_be_new: bool = False,
        require_if_match: bool = False,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the dependency of an endpoint on a stream's revision, for preconditions where no state is loaded.

        `OrderRevision = Annotated[StreamRevision, revision("order-{order_id}")]` is a type of parameters. The name,
        404, and the headers are as in `load`; `expected` of what it gives is for `append`, and its `tell` takes the
        revision that this has made.
        """
        return revision_dependency(
            stream, self.get_connection, may_be_new=may_be_new, require_if_match=require_if_match, params=params
        )

    def consumer(
        self,
        name: str,
        source: Source | str,
        *,
        types: EventDecoder[Any] | None = None,
        run: Run | None = None,
        checkpoint: CheckpointStore | InMemory | InStream | None = None,
        start: Place = START,
        on_error: Policy | None = None,
        concurrency: int = 1,
        ordered_by: OrderedBy = "stream",
        stop_timeout: float = STOP_TIMEOUT,
        stalled_after: float = STALLED_AFTER,
        required: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Have the function below handle events, from the end of the app's start-up until it stops.

            @esdb.consumer("mailer", category("order"), types=events)
            async def send_mail(event: Event[OrderPlaced], mails: MailerDep) -> None: ...

        Its first parameter is the event: with `types` an `Event`, of the classes that it is annotated with, and without
        a `RecordedEvent`. All others are dependencies. A `def` runs in a thread. `source` is the name of a stream,
        `category(…)`, `all_events(…)` or `group(…)` of `fastapi_esdb.consumers`.

        Args:
            name: names the consumer, and its checkpoint in the database: no other app on it may have the same one.
            source: the events to handle.
            types: reads events as objects of registered classes.
            run: `"one"` process of all handles the events, which is the default, or `"each"`.
            checkpoint: `InStream()` of the database, which is the default with `"one"`; `InMemory()`, with `"each"`; or
                an object with `load` and `save`, see `CheckpointStore`.
            start: where to begin as long as there is no checkpoint: `START`, or `END` for what is written from then on.
            on_error: what becomes of an event whose handler has failed, by the class of its error: `Retry(…)`, `Skip`,
                `Park` or `Stop`, as in `{SmtpDown: Retry(backoff=30), ValueError: Park}`; the nearest class counts. Or
                a function of the event, the error and the number of attempts that returns one of these. Otherwise the
                event is handled again for ever, after pauses that grow to half a minute.
            concurrency: events that are handled at a time.
            ordered_by: with `concurrency`, the events that are handled one after the other: those of the same
                `"stream"`, or for which this function of the event returns the same; `None` for no order.
            stop_timeout: seconds that the event at hand is given when the app stops.
            stalled_after: seconds that an event may be at hand until health warns that the consumer stands still.
            required: have the app be not ready then.

        Raises `InvalidArgument` for what can't be.
        """
        return self.consumers.define(
            name,
            source,
            types=types,
            run=run,
            checkpoint=checkpoint,
            start=start,
            on_error=on_error,
            concurrency=concurrency,
            ordered_by=ordered_by,
            stop_timeout=stop_timeout,
            stalled_after=stalled_after,
            required=required,
        )

    def idempotent(
        self,
        *,
        caller: Callable[..., Any] | None,
        required: bool = True,
        max_age: timedelta = timedelta(days=1),
        methods: Collection[str] = ("POST", "PATCH"),
        prefix: str = "idempotency_key-",
    ) -> type[APIRoute]:
        """Return the class of routes that take an `Idempotency-Key`: `APIRouter(route_class=idempotent(caller=user))`.

        A request that comes again with its key is answered as it was the first time, and nothing is appended again: not
        by another process, nor after a restart, nor where nobody knows what has become of the first one. `caller` is a
        dependency that says who calls, by a text or another value of JSON; each has keys of their own, and each route.
        `None` is for apps that don't tell callers apart, whose keys anybody can use who knows them.

        Keys are kept for `max_age`, each in a stream whose name begins with `prefix`. Requests of `methods` without a
        key are refused with 400, unless they are not `required` to have one. Raises `InvalidArgument` for a `max_age`
        that is no number of whole seconds.
        """
        return route_class(Keys(self, max_age, prefix, methods, required), caller or nobody, self.get_connection)

    def at_least(self, consumer: str, *, header: str = POSITION_HEADER, timeout: float = REACHED_TIMEOUT) -> Any:
        """Return a dependency that waits until a consumer has come to the position in a header of the request.

            @app.get("/orders", dependencies=[Depends(esdb.at_least("orders-view"))])

        So whoever has written something, and sends the position that the answer to that told, reads it. Without the
        header nothing is waited for. If it takes longer than `timeout` seconds the answer is 503 with `Retry-After`,
        and 400 to a header that is no position. Raises `InvalidArgument` for a consumer that is not defined yet.
        """
        return at_least_dependency(self.consumers, consumer, header, timeout)

    def _serving(self, request: HTTPConnection) -> Started:
        started = started_for(request, self.name)
        if started.pool.is_closed:
            raise ClosedByCommand(self.name)
        return started

    def connection_of(self, app: Starlette) -> Connection:
        """The connection of a started app, for code outside of requests: start-up, background tasks, tests."""
        return self._started(app).connection

    def stop_following(self, app: Starlette) -> None:
        """End the subscriptions and consumers that endpoints have open, and let none begin any more.

        A signal that asks the server to stop does that by itself. This is for servers that are stopped otherwise, as
        uvicorn is by its `should_exit`. What was opened with `connection_of` goes on until the app ends.
        """
        self._started(app).stop.set()

    def on_stopping(self, app: Starlette, hook: Callable[[], object]) -> None:
        """Have `hook` called on the event loop when the server begins to stop, or `stop_following` is called.

        For what keeps answers open and is no subscription of theirs, such as queues that one subscription fills.
        """
        self._started(app).stop.then(hook)

    def _started(self, app: Starlette) -> Started:
        started = started_in(app, self.name)
        if started is None:
            raise EsdbNotStarted(self.name)
        return started


default = Esdb()
esdb_router = default.router
esdb_lifespan = default.lifespan
get_connection = default.get_connection
get_sync_connection = default.get_sync_connection
connection_of = default.connection_of
consumer = default.consumer
esdb_consumers = default.consumers
load = default.load
idempotent = default.idempotent
on_stopping = default.on_stopping
revision = default.revision
stop_following = default.stop_following

EsdbDep = Annotated[Connection, Depends(get_connection)]
"""What an `async def` endpoint declares to be given the connection: `esdb: EsdbDep`."""
EsdbSyncDep = Annotated[SyncConnection, Depends(get_sync_connection)]
"""The same for a `def` endpoint."""
EsdbConnection = EsdbDep
"""Another name of `EsdbDep`."""
EsdbSyncConnection = EsdbSyncDep
"""Another name of `EsdbSyncDep`."""
