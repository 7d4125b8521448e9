"""Requests that end with a status of 500 or above: each is a line in the log, and counted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import quote

from starlette.requests import HTTPConnection

from fastapi_esdb.plugin.closed import ClosedByCommand
from fastapi_esdb.plugin.started import DEFAULT, find_for
from fastapi_esdb.wire.errors import EsdbError

logger = logging.getLogger("fastapi_esdb")

TEMPORARY = (503, 504)
"""What passes by itself when the database is back: a warning. The others want somebody to look: errors."""


def report(request: HTTPConnection, error: Exception, status: int) -> None:
    """Log the request with the causes of its failure, and count it with the pool that it comes from."""
    level = logging.WARNING if status in TEMPORARY else logging.ERROR
    method = request.scope.get("method", "WebSocket")
    # a path may hold anything, line breaks among it; what is behind it, in the query, may be secret
    path = quote(request.scope["path"], safe="/:@!$&'()*+,;=~")
    causes = list(_causes(error))
    logger.log(level, "%s %s: answered %s, since %s", method, path, status, "; ".join(map(_text, causes)))
    name = next((cause.pool for cause in causes if isinstance(cause, EsdbError | ClosedByCommand) and cause.pool), "")
    if started := find_for(request, name or DEFAULT):
        started.pool.request_failed()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what led to it, what led to that."""
    while error is not None:
        yield error
        error = error.__cause__


def _text(cause: BaseException) -> str:
    """Its text, in one line; of gRPC's errors the part that is for people."""
    details = getattr(cause, "details", None)
    text = details() if callable(details) else getattr(cause, "detail", None) or str(cause)
    return f"{type(cause).__name__}: {text}" if isinstance(cause, EsdbError) else str(text)
