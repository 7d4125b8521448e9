"""The control routes of consumers: pausing them, going on, and going back, behind the same guard as closing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel

from fastapi_esdb.consumers.sources import CatchUpSource, text_of
from fastapi_esdb.consumers.status import ConsumerState, ConsumerStatus
from fastapi_esdb.plugin.consumers.consumers import AppConsumer, Consumers
from fastapi_esdb.plugin.control import control_guard, route_for_other_methods
from fastapi_esdb.plugin.started import RETRY_AFTER
from fastapi_esdb.wire.errors import InvalidArgument, NetworkError


class ConsumerReport(BaseModel):
    """A consumer as this process knows it; see `ConsumerStatus`. Errors are told by their types."""

    name: str
    state: ConsumerState
    place: str | None
    position: str | None
    is_live: bool
    handled: int
    lag_events: int
    lag_seconds: float
    attempts: int
    last_error: str | None
    last_error_at: datetime | None

    @classmethod
    def of(cls, status: ConsumerStatus) -> ConsumerReport:
        """Return the report of a status."""
        return cls(
            name=status.name,
            state=status.state,
            place=None if status.place is None else text_of(status.place),
            position=None if status.position is None else str(status.position),
            is_live=status.is_live,
            handled=status.handled,
            lag_events=status.lag_events,
            lag_seconds=status.lag_seconds,
            attempts=status.attempts,
            last_error=status.last_error.__name__ if status.last_error else None,
            last_error_at=status.last_error_at,
        )


def add_consumer_commands(
    router: APIRouter, name: str, control: Callable[..., Any] | None, consumers: Consumers
) -> None:
    """Add the routes to the router of an `Esdb`."""

    def named(consumer: str) -> AppConsumer:
        if consumer not in consumers:
            raise HTTPException(404, "there is no such consumer")
        return consumers[consumer]

    async def pause(consumer: str) -> ConsumerReport:
        """Have a consumer handle no further event until it is resumed."""
        found = named(consumer)
        return await _told(found, found.pause)

    async def resume(consumer: str) -> ConsumerReport:
        """Have a consumer go on."""
        found = named(consumer)
        return await _told(found, found.resume)

    async def reset(consumer: str, to: Annotated[str, Query()]) -> ConsumerReport:
        """Have a consumer go on from `start`, `end`, or after a revision or position (`C:1788/P:1788`)."""
        found = named(consumer)
        source = found.definition.source
        try:
            place = source.parse(to) if isinstance(source, CatchUpSource) else None
            if place is None:
                raise InvalidArgument("the progress of a group is the server's")
        except InvalidArgument as error:
            raise HTTPException(422, error.message) from error
        return await _told(found, lambda: found.reset(place))

    guards = [Depends(guard) for guard in control_guard(name, control)]
    for command in (pause, resume, reset):
        path = f"/consumers/{{consumer}}/{command.__name__}"
        router.post(
            path,
            operation_id=f"esdb_{name}_consumer_{command.__name__}",
            response_model=ConsumerReport,
            status_code=202,
            dependencies=guards,
            include_in_schema=False,
        )(command)
        router.routes.append(route_for_other_methods(router.prefix + path, name, control))


async def _told(consumer: AppConsumer, tell: Callable[[], Any]) -> ConsumerReport:
    try:
        await tell()
    except NetworkError as error:
        raise HTTPException(503, "EventStoreDB is not available", {"Retry-After": RETRY_AFTER}) from error
    return ConsumerReport.of(consumer.status)
