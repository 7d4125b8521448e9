"""Who may close and open the connection by HTTP: nobody, until a token or a dependency of the app says otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import HTTPException, Request

from fastapi_esdb.plugin.started import find_for

CONTROL_HEADER = "X-ESDB-Control"
"""Carries the token, or anything at all beside a dependency of the app's own. A web page that posts across sites
can't set it without a preflight, which the browser refuses on its behalf."""

Guard = Callable[[Request], Awaitable[None]]


def control_guard(name: str, own: Callable[..., Any] | None) -> list[Callable[..., Any]]:
    """The dependencies of the control routes: the app's own where there is one, else the token of the settings."""
    return [_no_foreign_page, own] if own else [_token_guard(name)]


async def _no_foreign_page(request: Request) -> None:
    """Refuse what a page of another site can make a browser send along with the user's cookies."""
    if not _same_site(request):
        raise HTTPException(403, "requests from pages of other sites are refused")
    if not {"authorization", CONTROL_HEADER.lower()} & set(request.headers):
        raise HTTPException(403, f"send the header {CONTROL_HEADER} or an Authorization")


def _same_site(request: Request) -> bool:
    return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _token_guard(name: str) -> Guard:
    async def token(request: Request) -> None:
        started = find_for(request, name)
        expected = started.pool.settings.control_token if started else None
        if expected is None:
            raise HTTPException(404)
        if not _same_site(request) or not _matches(_given_token(request), expected.get_secret_value()):
            raise HTTPException(401, "a valid control token is needed", {"WWW-Authenticate": "Bearer"})

    return token


def _matches(given: str, expected: str) -> bool:
    """Compared in constant time, so that the time of a wrong guess tells nothing."""
    return secrets.compare_digest(given.encode(), expected.encode())


def _given_token(request: Request) -> str:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else request.headers.get(CONTROL_HEADER, "")
