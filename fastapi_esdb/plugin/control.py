"""The control routes: closing and opening the connection by HTTP.

Nobody may do that until a token, or a dependency of the app, says otherwise."""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.applications import Starlette
from starlette.routing import Route

from fastapi_esdb.plugin.health import Health, HealthResponse, health_of
from fastapi_esdb.plugin.started import find_for, started_for

CONTROL_HEADER = "X-ESDB-Control"
"""Carries the token, or anything at all beside a dependency of the app's own. A web page that posts across sites
can't set it without a preflight, which the browser refuses on its behalf."""

Guard = Callable[..., Awaitable[None]]

_BASIC = 'Basic realm="EventStoreDB status", charset="UTF-8"'
_HOW_TO_LOG_IN = "log in with the control token (ESDB_CONTROL_TOKEN) as the password, and any user name"


def control_guard(name: str, own: Callable[..., Any] | None) -> list[Callable[..., Any]]:
    """The dependencies of the control routes: the app's own where there is one, else the token of the settings."""
    return [_no_foreign_page, own] if own else [_token_guard(name)]


def page_guard(name: str, own: Callable[..., Any] | None) -> list[Callable[..., Any]]:
    """The dependencies of pages, which a browser opens: the same, with the token as a password of HTTP Basic.

    They change nothing, so it does not matter which page has led to them, and only their own pages can read them.
    """
    return [own] if own else [_password_guard(name)]


def form_guard(name: str, own: Callable[..., Any] | None) -> list[Callable[..., Any]]:
    """The dependencies of what the forms of pages do: they must have been sent by a page of this app."""
    return [_own_page, *page_guard(name, own)]


def has_guard(request: Request, name: str, own: Callable[..., Any] | None) -> bool:
    """Return whether anybody could be let in: without that, the control routes do not exist."""
    return own is not None or _token(request, name) is not None


async def _no_foreign_page(request: Request) -> None:
    """Refuse what a page of another site can make a browser send along with the user's cookies or password."""
    if not _same_site(request):
        raise HTTPException(403, "requests from pages of other sites are refused")
    if not (CONTROL_HEADER in request.headers or _bearer(request)):
        raise HTTPException(403, f"send the header {CONTROL_HEADER}, with any value, or a bearer token")


async def _own_page(request: Request) -> None:
    """Refuse what no page of this app has sent; who is no browser can say so by the header."""
    if not _same_site(request):
        raise HTTPException(403, "forms of other sites are refused")
    names_origin = "origin" in request.headers or request.headers.get("sec-fetch-site") == "same-origin"
    if not (names_origin or CONTROL_HEADER in request.headers or _bearer(request)):
        raise HTTPException(403, f"send Origin, as browsers do, or the header {CONTROL_HEADER}, with any value")


def _same_site(request: Request) -> bool:
    """Whether no page of another site has sent it. Browsers of today say so themselves, others name where it is from.

    `Sec-Fetch-Site` counts before `Origin`, since behind a proxy `Host` need not be what the browser has asked for.
    """
    if (site := request.headers.get("sec-fetch-site")) is not None:
        return site in ("none", "same-origin")
    origin = request.headers.get("origin")
    return origin is None or _is_from(origin, request)


def _is_from(origin: str, request: Request) -> bool:
    """Whether the origin is the host that was asked for; "null", which hides it, is not."""
    scheme, _, asked = origin.lower().partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    host = request.headers.get("host", "").lower()
    return bool(asked) and asked.removesuffix(default) == host.removesuffix(default)


def _token(request: Request, name: str) -> str | None:
    started = find_for(request, name)
    expected = started.pool.settings.control_token if started else None
    return expected.get_secret_value() if expected else None


def _token_guard(name: str) -> Guard:
    sent = Depends(HTTPBearer(scheme_name=f"esdb_{name}_token", description="The control token", auto_error=False))

    async def token(request: Request, bearer: HTTPAuthorizationCredentials | None = sent) -> None:
        expected = _expected(request, name)
        given = bearer.credentials if bearer else request.headers.get(CONTROL_HEADER, "")
        if not _same_site(request) or not _matches(given, expected):
            raise HTTPException(401, "a valid control token is needed", {"WWW-Authenticate": "Bearer"})

    return token


def _password_guard(name: str) -> Guard:
    async def password(request: Request) -> None:
        expected = _expected(request, name)
        given = _password(request) or _bearer(request) or request.headers.get(CONTROL_HEADER, "")
        if not _matches(given, expected):
            raise HTTPException(401, _HOW_TO_LOG_IN, {"WWW-Authenticate": _BASIC})

    return password


def _expected(request: Request, name: str) -> str:
    """The token, without which there is nothing to find."""
    if (expected := _token(request, name)) is None:
        raise HTTPException(404)
    return expected


def _matches(given: str, expected: str) -> bool:
    """Compared in constant time, so that the time of a wrong guess tells nothing."""
    return secrets.compare_digest(given.encode(), expected.encode())


def _bearer(request: Request) -> str:
    """The token of an `Authorization`. Those of other schemes, such as Basic, browsers send by themselves."""
    return _authorization(request, "bearer")


def _password(request: Request) -> str:
    """The password of HTTP Basic, whatever the user is called; empty without one.

    FastAPI's `HTTPBasic` takes only ASCII, also of the user's name, and answers by itself what it can't read.
    """
    try:
        return b64decode(_authorization(request, "basic"), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _authorization(request: Request, wanted: str) -> str:
    scheme, given = get_authorization_scheme_param(request.headers.get("authorization"))
    return given if scheme.lower() == wanted else ""


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
        router.routes.append(route_for_other_methods(router.prefix + path, name, control))


def route_for_other_methods(path: str, name: str, control: Callable[..., Any] | None, method: str = "POST") -> Route:
    """Return what answers on the path of a control route to all methods but its own."""

    async def otherwise(request: Request) -> Response:
        """As it is with any path: 404 where there is nothing, and 405 with another method than there is."""
        if has_guard(request, name, control):
            raise HTTPException(405, headers={"Allow": method})
        raise HTTPException(404)

    # no method stands for all those that no route before has
    return Route(path, otherwise, methods=[], include_in_schema=False)


def show_commands(app: Starlette, router: APIRouter, shown: Callable[[str], bool]) -> None:
    """Have the routes in OpenAPI, or not, by their paths: where there is no guard they do not exist.

    Older versions of FastAPI give an app copies of the routes that it includes, newer ones the routes themselves.
    """
    endpoints = {
        route.endpoint: route.path
        for route in router.routes
        if isinstance(route, APIRoute) and route.dependencies  # the guard
    }
    for route in (*router.routes, *app.routes):
        if isinstance(route, APIRoute) and route.endpoint in endpoints:
            route.include_in_schema = shown(endpoints[route.endpoint])
