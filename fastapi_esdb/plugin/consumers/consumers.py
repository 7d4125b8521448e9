"""The consumers of an `Esdb`: they are defined when the app is imported, and run while it does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from inspect import Signature
from typing import TYPE_CHECKING, Any, TypeVar, Unpack
from uuid import uuid4

from starlette.applications import Starlette

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.consumers.checkpoints import CheckpointStore, Dispatch, Mark
from fastapi_esdb.consumers.dead_letters import DeadLetters
from fastapi_esdb.consumers.definition import REACHED_TIMEOUT, ConsumerOptions, Definition, define
from fastapi_esdb.consumers.direct import Direct, runs_on_loop, to_the_end
from fastapi_esdb.consumers.sources import Place, Source, source_of
from fastapi_esdb.consumers.status import ConsumerState, ConsumerStatus
from fastapi_esdb.errors import EsdbNotStarted
from fastapi_esdb.plugin.consumers.dispatch import Handlers, route_of, signature_of
from fastapi_esdb.plugin.consumers.narrowing import narrowed
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.positions import Position

if TYPE_CHECKING:
    from fastapi_esdb.consumers.runner import Runner

Function = TypeVar("Function", bound=Callable[..., Any])


class AppConsumer:
    """A consumer of an app, as `esdb.consumers["mailer"]` gives it.

    What it tells is about this process, and asks the database nothing.
    """

    def __init__(self, definition: Definition, handler: Callable[..., Any], signature: Signature, esdb: str) -> None:
        self.definition = definition
        self._handler = handler
        self._signature = signature
        self._esdb = esdb
        self._runners: dict[Starlette, Runner] = {}
        self._handlers: Handlers | None = None

    def __repr__(self) -> str:
        return f"<AppConsumer {self.definition.name!r} {self.state.value}>"

    @property
    def status(self) -> ConsumerStatus:
        """All that is known of it at this moment."""
        runner = self._latest
        if runner is None:
            return ConsumerStatus.of_stopped(self.definition.name)
        return runner.status

    @property
    def state(self) -> ConsumerState:
        """The state that it is in: running, on standby, retrying, ….`"""
        return self.status.state

    @property
    def position(self) -> Position | None:
        """The position in `$all` up to which everything is handled, as far as it is known."""
        return self.status.position

    @property
    def lag_events(self) -> int:
        """Events that have arrived and are not handled yet."""
        return self.status.lag_events

    @property
    def lag_seconds(self) -> float:
        """The age of the oldest event that is not handled yet, zero if there is none."""
        return self.status.lag_seconds

    @property
    def last_error(self) -> type[Exception] | None:
        """The type of the error that it met last."""
        return self.status.last_error

    async def pause(self) -> None:
        """Have it handle no further event until `resume`, also after a restart, and whichever process it runs in.

        With `run="each"`, or a group, that is in this process and while it lives. Returns when the event at hand is
        handled, or after ten seconds.
        """
        await self._running.pause()

    async def resume(self) -> None:
        """Have it go on after `pause`, or after an error policy has stopped it."""
        await self._running.resume()

    async def reset(self, to: Place) -> None:
        """Have it go on from another place: `START`, `END`, or the revision or position of the last event to leave out.

        What a handler returns is appended again for events that are handled again. Raises `InvalidArgument` for a place
        that its source can't have, and for one behind its last event.
        """
        await self._running.reset(to)

    async def rebuild(
        self, handler: Callable[..., Any], swap: Callable[[], Awaitable[None] | None] = lambda: None
    ) -> None:
        """Build a read model anew beside the one in use, and put it in its place.

        `handler` is given all events up to where the consumer is, as the consumer's own one was, and may have
        dependencies, too. Then the consumer is held before its next event, `handler` is given the rest, `swap` puts the
        new read model in the place of the old one, and the consumer goes on. If this is cancelled, or the process ends
        before that, the old one is still in use; what `handler` returns is not appended.

        Raises what `handler` raises, `NotHandledHere` in a process that does not handle the events, and
        `InvalidArgument` for a group and for a handler that does not fit.
        """
        runner, handlers = self._running, self._handlers
        signature = signature_of(handler)
        types = narrowed(getattr(handler, "__name__", "handler"), signature, self.definition.types)
        dispatch: Dispatch = Direct(handler, None)
        if handlers is not None and len(signature.parameters) > 1:
            path = f"/{self.definition.name}/rebuild/{uuid4()}"
            dispatch = Routed(handlers, path, route_of(handler, signature, 1), None)
        await runner.rebuild(dispatch, types, swap)

    async def reached(self, place: int | Position, timeout: float = REACHED_TIMEOUT) -> None:
        """Wait until everything up to a place is handled, in whichever process that is done.

            result = await esdb.append("order-1", OrderPaid(...))
            await orders.consumers["orders-view"].reached(result.position, timeout=2)

        `place` is the position of an event or, for a consumer of one stream, its revision. Raises
        `ConsumerBehind` if it takes longer than `timeout` seconds, and `InvalidArgument`.
        """
        await self._running.reached(place, timeout)

    @property
    def dead_letters(self) -> DeadLetters:
        """The events that it could not handle and has parked: to list, to look at, to handle again, to drop.

        Raises `EsdbNotStarted` where the app does not run.
        """
        return self._running.dead_letters

    @property
    def _latest(self) -> Runner | None:
        return next(reversed(self._runners.values()), None)

    @property
    def _running(self) -> Runner:
        if self._latest is None:
            raise EsdbNotStarted(self._esdb)
        return self._latest

    def prepare(self, app: Starlette, connection: Connection, handlers: Handlers) -> None:
        """Get it ready for an app."""
        from fastapi_esdb.consumers.runner import Runner  # noqa: PLC0415 - what runs is loaded when the app starts

        self._handlers = handlers
        self._runners[app] = Runner(self.definition, connection, self._dispatch(handlers))

    def runner_in(self, app: Starlette) -> Runner | None:
        """Return what runs it for an app."""
        return self._runners.get(app)

    def start(self, app: Starlette) -> None:
        """Start it for an app."""
        self._runners[app].start()

    async def end(self, app: Starlette) -> None:
        """Stop it, after the event at hand."""
        if (runner := self.runner_in(app)) is not None:
            await runner.stop()
            del self._runners[app]

    def _dispatch(self, handlers: Handlers) -> Dispatch:
        """Return what calls the handler: directly, where nothing depends on anything but what it is given."""
        store, name = self.definition.store, self.definition.name
        if not self._has_dependencies(store):
            return Direct(self._handler, store)
        route = route_of(self._handler, self._signature, 1, None if store is None else store.save)
        return Routed(handlers, f"/{name}", route, store)

    def _has_dependencies(self, store: CheckpointStore | None) -> bool:
        given = [(self._signature, 1)]
        if store is not None:
            given += [(signature_of(store.load), 1), (signature_of(store.save), len(Mark._fields))]
        return any(len(signature.parameters) > own for signature, own in given)


class Routed:
    """Calls a handler, and a store's methods, with dependencies of FastAPI."""

    def __init__(self, handlers: Handlers, path: str, route: Callable[..., Any], store: CheckpointStore | None) -> None:
        self._call = handlers.call
        self.is_in_thread = not runs_on_loop(route)
        self._path = path
        handlers.add(path, route)
        if store is not None:
            handlers.add(f"{path}/load", route_of(store.load, signature_of(store.load), 1))
            handlers.add(f"{path}/save", route_of(store.save, signature_of(store.save), len(Mark._fields)))

    async def __call__(self, item: Any, mark: Mark | None) -> object:
        called = self._call(self._path, item, mark)
        return await (to_the_end(called) if self.is_in_thread else called)

    async def load(self, consumer: str) -> str | None:
        found = await self._call(f"{self._path}/load", consumer)
        if not (found is None or isinstance(found, str)):
            raise InvalidArgument(
                f"load() of a checkpoint store must return a text or None, not {type(found).__name__}"
            )
        return found

    async def save(self, mark: Mark) -> None:
        await self._call(f"{self._path}/save", *mark)


class Consumers(Mapping[str, AppConsumer]):
    """The consumers of an `Esdb`, by their names."""

    def __init__(self, esdb: str) -> None:
        self._esdb = esdb
        self._consumers: dict[str, AppConsumer] = {}
        self._apps: set[Starlette] = set()

    def __getitem__(self, name: str) -> AppConsumer:
        return self._consumers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._consumers)

    def __len__(self) -> int:
        return len(self._consumers)

    def define(
        self, name: str, source: Source | str, **options: Unpack[ConsumerOptions]
    ) -> Callable[[Function], Function]:
        """Return a decorator that adds a function as a consumer. Raises `InvalidArgument`."""
        definition = define(name, source_of(source), **options)
        if name in self._consumers:
            raise InvalidArgument(f"a consumer {name!r} is defined already: give each another name")
        if self._apps:
            raise InvalidArgument(f"consumer {name!r} must be defined before the app starts, or nothing runs it")

        def add(handler: Function) -> Function:
            # names of types may be known only to the function that this stands in
            signature = signature_of(handler, sys._getframe(1).f_locals)
            types = narrowed(getattr(handler, "__name__", name), signature, definition.types)
            self._consumers[name] = AppConsumer(replace(definition, types=types), handler, signature, self._esdb)
            return handler

        return add

    def statuses(self, app: Starlette) -> Sequence[tuple[Definition, ConsumerStatus]]:
        """Return all that run with an app: what was said about them, and how they are."""
        return [
            (each.definition, runner.status)
            for each in self._consumers.values()
            if (runner := each.runner_in(app)) is not None
        ]

    @asynccontextmanager
    async def running(self, app: Starlette, state: Mapping[str, Any], connection: Connection) -> AsyncIterator[None]:
        """Run all of them meanwhile; inside of another such block, only that one counts."""
        if app in self._apps:
            yield
            return
        handlers = Handlers(app, state)
        running = list(self._consumers.values())
        self._apps.add(app)
        try:
            for each in running:
                each.prepare(app, connection, handlers)
            for each in running:
                each.start(app)
            yield
        finally:
            self._apps.discard(app)
            await asyncio.gather(*(each.end(app) for each in running))
