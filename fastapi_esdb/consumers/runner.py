"""The life of a consumer in this process: it is started, paused, reset, stopped, and comes back by itself."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.consumers.building import Building
from fastapi_esdb.consumers.checkpoints import CheckpointMoved, ConsumerBehind, Dispatch, NotHandledHere
from fastapi_esdb.consumers.commands import Command, Commands
from fastapi_esdb.consumers.dead_letters import DeadLetters
from fastapi_esdb.consumers.definition import REACHED_TIMEOUT, ConsumerOptions, define
from fastapi_esdb.consumers.direct import Direct, Handler, checked
from fastapi_esdb.consumers.following import Following, first_of
from fastapi_esdb.consumers.following_group import FollowingGroup
from fastapi_esdb.consumers.following_places import FollowingPlaces
from fastapi_esdb.consumers.lease import VALID, Lease
from fastapi_esdb.consumers.ledger import Fenced, Interrupted
from fastapi_esdb.consumers.outcomes import Retry, Stopped
from fastapi_esdb.consumers.reaching import Reaching
from fastapi_esdb.consumers.sources import CatchUpSource, GroupSource, Place, Source, source_of, text_of
from fastapi_esdb.consumers.status import ConsumerState, ConsumerStatus, Observed
from fastapi_esdb.errors import ConnectionClosed, EsdbError
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.positions import START

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.consuming import Consumer
    from fastapi_esdb.api.decoding import EventDecoder
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.wire.events.values import RecordedEvent
    from fastapi_esdb.wire.positions import Position

CLOSED_FOR = 0.1
"""Seconds between two looks at a connection that is closed on purpose."""

AT_WORK = (ConsumerState.RUNNING, ConsumerState.PAUSED, ConsumerState.STOPPED)
"""The states of a consumer that has got so far that what ends its round is nothing that lasts."""

ROUNDS = 20
"""Times that a read model that is rebuilt catches up, at most, before the consumer is held."""


class Runner:
    """A consumer in this process."""

    def __init__(self, definition: Definition, connection: Connection, dispatch: Dispatch) -> None:
        self.definition = definition
        self._connection = connection
        self._dispatch = dispatch
        self._observed = Observed()
        self._following = _following(definition, connection, dispatch, self._observed)
        self._commands = Commands(connection, definition.name, self._wake)
        self._lease = Lease(connection, self._commands.stream) if definition.run == "one" else None
        self._reaching = Reaching(definition, connection, dispatch)
        self._told = asyncio.Event()
        self._is_working = False
        self._is_ending = False
        self._holds = 0
        self._rests = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> ConsumerStatus:
        """The consumer at this moment, without asking the database."""
        observed, following = self._observed, self._following
        return ConsumerStatus(
            name=self.definition.name,
            state=observed.shown_state,
            place=following.progress.place,
            position=following.position,
            is_live=following.is_live,
            handled=observed.handled,
            lag_events=observed.arrived - observed.handled,
            lag_seconds=observed.lag_seconds,
            attempts=observed.attempts,
            parked=observed.parked,
            last_error=type(observed.last_error) if observed.last_error else None,
            last_error_at=observed.last_error_at,
            stands_still_for=observed.stands_still_for,
        )

    def start(self) -> None:
        """Begin; more than once does no harm."""
        if self._task is None or self._task.done():
            self._is_ending = False
            self._observed.state = ConsumerState.STARTING
            if (instrumentation := self._connection.pool.instrumentation) is not None:
                instrumentation.watch_consumer(self._connection.pool.name, self)
            self._task = asyncio.create_task(self._run(), name=f"esdb-consumer-{self.definition.name}")

    async def stop(self) -> None:
        """End after the event at hand; what is not handled within the limit of the definition is cancelled.

        A thread is waited for: if another process took over meanwhile, two would handle the event.
        """
        task, self._is_ending = self._task, True
        if task is None:
            return
        self._wake()
        if self._is_working:
            await asyncio.wait([task], timeout=self.definition.stop_timeout)
        if not task.done() and self._following.is_handling:
            name, limit = self.definition.name, self.definition.stop_timeout
            text = f"consumer {name!r}: the event at hand is cancelled, since it was not handled within {limit:g} s"
            log.warning("event_cancelled", text, consumer=name, seconds=limit)
        task.cancel()
        is_in_thread = self._dispatch.is_in_thread and self._following.is_handling
        await asyncio.wait([task], timeout=None if is_in_thread else self.definition.stop_timeout)
        self._observed.state = ConsumerState.STOPPED
        log.info("consumer_stopped", f"consumer {self.definition.name!r} has ended", consumer=self.definition.name)

    async def ended(self) -> None:
        """Wait until it is stopped."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def pause(self) -> None:
        """Handle no further event until `resume`. Returns when the event at hand is handled, or after ten seconds."""
        await self._tell(Command("pause"))

    async def resume(self) -> None:
        """Go on after `pause`, or after an error policy has stopped it."""
        await self._tell(Command("resume"))

    async def reset(self, to: Place) -> None:
        """Go on from another place: `START`, `END`, or the revision or position of the last event to leave out."""
        if not isinstance(self.definition.source, CatchUpSource):
            raise InvalidArgument("a group's progress is the server's: delete the group and create it to reset it")
        place = self.definition.source.parse(text_of(to))
        await self.definition.source.check(self._connection, place)
        await self._tell(Command("reset", place))

    async def rebuild(
        self, dispatch: Dispatch, types: EventDecoder[Any] | None, swap: Callable[[], Awaitable[None] | None]
    ) -> None:
        """Have all events handled by another handler up to where this consumer is, hold it there, and call `swap`.

        Raises `NotHandledHere` in a process that does not handle the events, and `InvalidArgument` for a group.
        """
        following = self._following
        if not isinstance(following, FollowingPlaces):
            raise InvalidArgument("the events of a group can't be handled anew: the server keeps its progress")
        if not self._is_working:
            raise NotHandledHere(self.definition.name)
        building = Building(following.source, self._connection, dispatch, types)
        place = None
        for _ in range(ROUNDS):
            place, before = following.progress.place or START, place
            if place == before:
                break
            await building.up_to(place)
        async with self._held_back():
            await building.up_to(following.progress.place or START)
            await following.check()
            result = swap()
            if inspect.isawaitable(result):
                await result

    @asynccontextmanager
    async def _held_back(self) -> AsyncIterator[None]:
        """Have no event handled meanwhile."""
        self._holds += 1
        try:
            self._wake()
            await self._rests.wait()
            yield
        finally:
            self._holds -= 1
            self._wake()

    async def reached(self, place: int | Position, timeout: float = REACHED_TIMEOUT) -> None:
        """Wait until everything up to a place is handled, wherever that is done.

        Raises `ConsumerBehind` after `timeout` seconds, and `InvalidArgument`.
        """
        limit, wanted = arguments.seconds(timeout, "timeout"), self._reaching.checked(place)
        try:
            async with asyncio.timeout(limit):
                await self._reaching.wait(wanted, self._observed.progressed, self._at)
        except TimeoutError:
            raise ConsumerBehind(self.definition.name, self._observed.state.value) from None

    def _at(self) -> tuple[object, object]:
        return self._following.progress.place, self._following.position

    @property
    def dead_letters(self) -> DeadLetters:
        """The events that it could not handle and has put aside."""
        return DeadLetters(self._following.keeping.dead_letters, self._replay)

    async def _replay(self, letters: Sequence[int]) -> None:
        await self._tell(Command("replay", letters=letters))

    async def _tell(self, command: Command) -> None:
        if self._lease is not None:
            await self._commands.send(command, is_for_here=self._is_working)
        elif self._task is not None and not self._task.done():
            await self._commands.tell(command)

    def _wake(self) -> None:
        self._told.set()
        self._following.halt()

    async def _run(self) -> None:
        failed = 0
        while not self._is_ending:
            try:
                await self._round()
            except Exception as error:
                failed = 1 if self._observed.state in AT_WORK else failed + 1
                self._note(error, failed)
                await self._wait(Retry().pause(failed))
        self._observed.state = ConsumerState.STOPPED

    async def _round(self) -> None:
        """Handle events for as long as nothing hinders that, in the process that holds the lease if there is one."""
        source = self.definition.source
        if self._lease is None or isinstance(source, GroupSource):
            await self._work()
            return
        async with self._lease.held(self._stands_by) as commands:
            await first_of(self._work(), self._hear(commands, source))

    async def _hear(self, commands: Consumer[RecordedEvent], source: CatchUpSource) -> None:
        """Take in commands as long as the lease is held; then the event at hand has the time that is safe to finish."""
        try:
            await self._commands.hear(commands, source)
        except EsdbError:
            with suppress(TimeoutError):
                async with asyncio.timeout(VALID), self._held_back():
                    pass
            raise

    def _stands_by(self) -> None:
        self._observed.state = ConsumerState.STANDBY
        name = self.definition.name
        log.info("consumer_stands_by", f"consumer {name!r} stands by: another process handles events", consumer=name)

    async def _work(self) -> None:
        await self._following.take()
        self._is_working = True
        name, source = self.definition.name, str(self.definition.source)
        log.info("consumer_started", f"consumer {name!r} handles events of {source}", consumer=name, source=source)
        try:
            await self._follow_and_obey()
        except asyncio.CancelledError:
            with suppress(Exception):  # what is not saved comes again
                await self._following.leave()
            raise
        finally:
            self._is_working = False
            self._rests.set()
        await self._following.leave()

    async def _follow_and_obey(self) -> None:
        while not self._is_ending:
            self._told.clear()
            while (command := self._commands.next) is not None:
                await self._obey(command)
            if self._following.is_paused or self._holds:
                if self._observed.state is not ConsumerState.STOPPED:
                    self._observed.state = ConsumerState.PAUSED
                self._rests.set()
                await self._told.wait()
                continue
            self._rests.clear()
            self._following.unhalt()
            if not self._told.is_set():
                await self._follow()

    async def _follow(self) -> None:
        try:
            await self._following.follow()
        except Stopped as error:
            name, kind = self.definition.name, type(error.__cause__).__name__
            log.error("consumer_gives_up", f"consumer {name!r} stops: {kind}", consumer=name, error=kind)
            await self._following.pause(is_paused=True)
            self._observed.state = ConsumerState.STOPPED

    async def _obey(self, command: Command) -> None:
        try:
            await self._do(command)
        except (EsdbError, Interrupted, CheckpointMoved):
            raise  # it is tried again with the next round
        except Exception as error:
            name = self.definition.name
            text = f"consumer {name!r} could not be told to {command.name}"
            log.exception("command_failed", text, consumer=name, command=command.name)
            await self._commands.done(command, error)
        else:
            await self._commands.done(command)

    async def _do(self, command: Command) -> None:
        match command.name:
            case "pause":
                await self._following.pause(is_paused=True)
            case "resume":
                self._observed.state = ConsumerState.STARTING
                await self._following.pause(is_paused=False)
            case "reset" if command.place is not None:
                await self._following.reset(command.place)
            case "replay":
                await self._following.replay(command.letters)

    async def _wait(self, seconds: float) -> None:
        """Wait before another round, and for a connection, until something is told."""
        self._told.clear()
        if self._is_ending:
            return
        if not self._connection.is_connected:
            await first_of(self._connected(), self._told.wait())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()

    async def _connected(self) -> None:
        while not self._connection.is_connected:
            try:
                await self._connection.wait_connected(math.inf)
            except ConnectionClosed:  # on purpose, until somebody connects it again
                await asyncio.sleep(CLOSED_FOR)

    def _note(self, error: Exception, failed: int) -> None:
        """Note what has ended a round, and log it."""
        name = self.definition.name
        if isinstance(error, Fenced) and self._lease is None:
            self._observed.disconnected(error)
            log.error(
                "consumer_fenced",
                f"consumer {name!r}: another process writes to {self.definition.stream!r} as well: "
                "InStream(…) must name a stream of each one's own",
                consumer=name,
                stream=self.definition.stream,
            )
            return
        if isinstance(error, Interrupted | CheckpointMoved):
            self._observed.state = ConsumerState.STARTING
            text = f"consumer {name!r} begins again: {shown(error)}"
            log.info("consumer_begins_again", text, consumer=name, reason=shown(error))
            return
        self._observed.disconnected(error)
        if isinstance(error, EsdbError):
            level = logging.INFO if failed == 1 or not self._connection.is_connected else logging.WARNING
            text = f"consumer {name!r} goes on later: {shown(error)}"
            log.at(level, "consumer_interrupted", text, consumer=name, reason=shown(error))
        else:
            log.error("consumer_failed", f"consumer {name!r} goes on later", trace=error, consumer=name)


def _following(definition: Definition, connection: Connection, dispatch: Dispatch, observed: Observed) -> Following:
    source = definition.source
    if isinstance(source, GroupSource):
        return FollowingGroup(definition, source, connection, dispatch, observed)
    return FollowingPlaces(definition, source, connection, dispatch, observed)


@asynccontextmanager
async def consuming(
    connection: Connection, name: str, source: Source | str, handler: Handler, **options: Unpack[ConsumerOptions]
) -> AsyncIterator[Runner]:
    """Run a consumer beside the block, without any app: in a worker or a script.

        orders = category("order")
        async with connect() as esdb, consuming(esdb, "mailer", orders, send_mail, types=events) as mailer:
            await mailer.ended()

    The options are those of `Esdb.consumer`. `handler` takes the event, and may be a function or a coroutine function.
    Leaving the block ends it after the event at hand. Raises `InvalidArgument`.
    """
    definition = define(name, source_of(source), **options)
    runner = Runner(definition, connection, Direct(checked(handler), definition.store))
    runner.start()
    try:
        yield runner
    finally:
        await runner.stop()
