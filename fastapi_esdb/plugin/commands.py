"""The control routes: what operators command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.applications import Starlette

from fastapi_esdb.plugin.control import control_guard, has_guard
from fastapi_esdb.plugin.health import Health, HealthResponse, health_of
from fastapi_esdb.plugin.started import started_for


def add_commands(router: APIRouter, name: str, control: Callable[..., Any] | None) -> None:
    """Add the routes, each with its guard."""

    async def close(request: Request) -> Response:
        """Disconnect and stay closed until told to connect; calls in flight fail."""
        started = started_for(request, name)
        await started.pool.close()
        return HealthResponse(health_of(started))

    async def connect(request: Request) -> Response:
        """Connect again after a close, with the configuration given at the start. Answers after the first attempt."""
        started = started_for(request, name)
        await started.pool.connect()
        return HealthResponse(health_of(started), 202)

    async def reconnect(request: Request) -> Response:
        """Replace every connection by a fresh one, now; after a close, connect. Answers when each has tried."""
        started = started_for(request, name)
        await (started.pool.connect() if started.pool.is_closed else started.pool.reconnect())
        return HealthResponse(health_of(started), 202)

    async def otherwise(request: Request) -> Response:
        """As it is with any path: 404 where there is nothing, and 405 with another method than there is."""
        if has_guard(request, name, control):
            raise HTTPException(405, headers={"Allow": "POST"})
        raise HTTPException(404)

    guards = [Depends(guard) for guard in control_guard(name, control)]
    for command, status in ((close, 200), (connect, 202), (reconnect, 202)):
        path = f"/{command.__name__}"
        router.post(
            path,
            operation_id=f"esdb_{name}_{command.__name__}",
            response_model=Health,
            response_class=HealthResponse,
            status_code=status,
            dependencies=guards,
            include_in_schema=control is not None,
        )(command)
        # no method stands for all those that no route before has
        router.add_route(router.prefix + path, otherwise, methods=[], include_in_schema=False)


def show_commands(app: Starlette, router: APIRouter, *, shown: bool) -> None:
    """Have the routes in OpenAPI, or not: where there is no guard they do not exist.

    Older versions of FastAPI give an app copies of the routes that it includes, newer ones the routes themselves.
    """
    endpoints = {route.endpoint for route in router.routes if isinstance(route, APIRoute) and route.methods == {"POST"}}
    for route in (*router.routes, *app.routes):
        if isinstance(route, APIRoute) and route.endpoint in endpoints:
            route.include_in_schema = shown
