"""The control routes of consumers: pausing them, going on, and going back, behind the same guard as closing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict

from fastapi_esdb.consumers.sources import CatchUpSource
from fastapi_esdb.plugin.consumers.consumers import AppConsumer, Consumers
from fastapi_esdb.plugin.control import control_guard, route_for_other_methods
from fastapi_esdb.plugin.health import ConsumerHealth, PlaceText
from fastapi_esdb.plugin.started import RETRY_AFTER
from fastapi_esdb.wire.errors import InvalidArgument, NetworkError

Limit = Annotated[int, Query(ge=1, le=1000)]
Numbers = Annotated[Sequence[int], Query()]


class ConsumerReport(ConsumerHealth):
    """The same with what only the control routes tell."""

    place: PlaceText
    is_live: bool
    attempts: int
    last_error_at: datetime | None


class DeadLetterReport(BaseModel):
    """A parked event; see `DeadLetter`."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    stream: str
    revision: int
    type: str
    event_id: UUID
    position: PlaceText
    error: str
    message: str
    attempts: int
    parked_at: datetime


class Settled(BaseModel):
    """The number of dead letters that were handled, or dropped."""

    settled: int


class ConsumerRoutes:
    """Adds the control routes of consumers to the router of an `Esdb`."""

    def __init__(self, router: APIRouter, name: str, control: Callable[..., Any] | None, consumers: Consumers) -> None:
        self._router = router
        self._name = name
        self._control = control
        self._consumers = consumers

    def add(self) -> None:
        """Add all of them."""
        self._add_commands()
        self._add_dead_letters()

    def _add_commands(self) -> None:
        async def pause(consumer: str) -> ConsumerReport:
            """Have a consumer handle no further event until it is resumed."""
            found = self._named(consumer)
            return await _told(found, found.pause)

        async def resume(consumer: str) -> ConsumerReport:
            """Have a consumer go on."""
            found = self._named(consumer)
            return await _told(found, found.resume)

        async def reset(consumer: str, to: Annotated[str, Query()]) -> ConsumerReport:
            """Have a consumer go on from `start`, `end`, or after a revision or position (`C:1788/P:1788`)."""
            found = self._named(consumer)
            source = found.definition.source
            with _available():
                if not isinstance(source, CatchUpSource):
                    raise InvalidArgument("the progress of a group is the server's")
                place = source.parse(to)
            return await _told(found, lambda: found.reset(place))

        for command in (pause, resume, reset):
            self._route(command.__name__, command, ConsumerReport, 202)

    def _add_dead_letters(self) -> None:
        async def dead_letters(consumer: str, limit: Limit = 100, after: int | None = None) -> list[DeadLetterReport]:
            """List events that a consumer has parked, the oldest first, from behind the one numbered `after` on."""
            found = self._named(consumer)
            with _available():
                letters = await found.dead_letters.list(limit=limit, after=after)
            return [DeadLetterReport.model_validate(letter) for letter in letters]

        async def replay(consumer: str, number: Numbers = ()) -> Settled:
            """Have parked events handled again: those with the numbers given, or all of them."""
            found = self._named(consumer)
            with _available():
                return Settled(settled=await found.dead_letters.replay(*number))

        async def drop(consumer: str, number: Numbers = ()) -> Settled:
            """Forget parked events: those with the numbers given, or all of them."""
            found = self._named(consumer)
            with _available():
                return Settled(settled=await found.dead_letters.drop(*number))

        self._route("dead-letters", dead_letters, list[DeadLetterReport], 200, "GET")
        self._route("dead-letters/replay", replay, Settled, 200)
        self._route("dead-letters/drop", drop, Settled, 200)

    def _named(self, consumer: str) -> AppConsumer:
        if consumer not in self._consumers:
            raise HTTPException(404, "there is no such consumer")
        return self._consumers[consumer]

    def _route(self, path: str, endpoint: Callable[..., Any], model: Any, status: int, method: str = "POST") -> None:
        path = f"/consumers/{{consumer}}/{path}"
        self._router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=f"esdb_{self._name}_consumer_{endpoint.__name__}",
            response_model=model,
            status_code=status,
            dependencies=[Depends(guard) for guard in control_guard(self._name, self._control)],
            include_in_schema=False,
        )
        others = route_for_other_methods(self._router.prefix + path, self._name, self._control, method)
        self._router.routes.append(others)


async def _told(consumer: AppConsumer, tell: Callable[[], Any]) -> ConsumerReport:
    with _available():
        await tell()
    return ConsumerReport.model_validate(consumer.status)


@contextmanager
def _available() -> Iterator[None]:
    """Answer as the other routes do where the database does not, or where an argument can't be."""
    try:
        yield
    except NetworkError as error:
        raise HTTPException(503, "EventStoreDB is not available", {"Retry-After": RETRY_AFTER}) from error
    except InvalidArgument as error:
        raise HTTPException(422, error.message) from error
