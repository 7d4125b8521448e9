"""Our errors as problem details (RFC 9457), for apps that ask for it; each request that fails is logged and counted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection
from starlette.status import WS_1011_INTERNAL_ERROR, WS_1013_TRY_AGAIN_LATER
from starlette.websockets import WebSocketState

from fastapi_esdb import errors
from fastapi_esdb.plugin.loading import NothingThere
from fastapi_esdb.plugin.started import DEFAULT, RETRY_AFTER, ClosedByCommand, find_for
from fastapi_esdb.wire import errors as wire_errors
from fastapi_esdb.wire.errors import EsdbError


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem: its name ends the `type` URI; the title never varies, so that nothing leaks through it."""

    status: int
    name: str
    title: str

    @property
    def type(self) -> str:
        return f"urn:fastapi-esdb:problem:{self.name}"


_CONFLICT = Problem(409, "wrong-expected-revision", "The stream has changed")
_UNAVAILABLE = Problem(503, "unavailable", "EventStoreDB is not available")
_NOT_FOUND = Problem(404, "stream-not-found", "The stream does not exist")
_TOO_LARGE = Problem(413, "too-large", "The events are too large")

PROBLEMS: dict[type[Exception], Problem] = {
    ClosedByCommand: _UNAVAILABLE,
    NothingThere: _NOT_FOUND,
    wire_errors.WrongExpectedRevision: _CONFLICT,
    wire_errors.ConsistencyViolation: _CONFLICT,
    wire_errors.StreamNotFound: _NOT_FOUND,
    wire_errors.StreamDeleted: Problem(410, "stream-deleted", "The stream is deleted"),
    wire_errors.AccessDenied: Problem(502, "not-authorized", "EventStoreDB denies this to the application"),
    wire_errors.NotAuthenticated: Problem(502, "not-authenticated", "EventStoreDB refused the application"),
    wire_errors.MaximumAppendSizeExceeded: _TOO_LARGE,
    wire_errors.MaximumEventSizeExceeded: _TOO_LARGE,
    wire_errors.NotLeader: _UNAVAILABLE,
    wire_errors.ServerNotReady: _UNAVAILABLE,
    wire_errors.ServerBusy: _UNAVAILABLE,
    wire_errors.WriteFailed: _UNAVAILABLE,
    wire_errors.ConnectionRefused: _UNAVAILABLE,
    wire_errors.ConnectionLost: _UNAVAILABLE,
    errors.ConnectionClosed: _UNAVAILABLE,
    errors.TooManyStreams: _UNAVAILABLE,
    wire_errors.DeadlineExceeded: Problem(504, "deadline-exceeded", "EventStoreDB did not answer in time"),
    wire_errors.ServerTimeout: Problem(504, "deadline-exceeded", "EventStoreDB did not answer in time"),
    wire_errors.NoAnswer: Problem(502, "no-answer", "EventStoreDB gave no answer that can be read"),
    errors.OutcomeUnknown: Problem(500, "outcome-unknown", "It is not known whether the write happened"),
}
"""What each error becomes. An error that is not listed is a mistake of the application and stays one: 500."""

CALLERS_OWN: dict[type[Exception], Problem] = {
    wire_errors.AccessDenied: Problem(403, "access-denied", "Access denied"),
    wire_errors.NotAuthenticated: Problem(403, "credentials-refused", "EventStoreDB refused the credentials"),
}
"""What is the caller's business where the credentials came with the call, and the application's where they did not."""


def add_error_handlers(app: FastAPI) -> None:
    """Answer our errors with problem details. Titles are fixed; texts, streams and addresses stay in the logs.

    What becomes a 5xx is logged once, with its causes and the request's path, and counted in `pool.stats()`.

    Handlers that the app has for the same errors stay, whether they were added before or come afterwards.
    """
    handler: Any = problem_response  # starlette's types know handlers of either kind of connection, not of both
    for error in PROBLEMS.keys() - app.exception_handlers.keys():
        app.add_exception_handler(error, handler)


async def _end(websocket: WebSocket, problem: Problem) -> None:
    if websocket.client_state is websocket.application_state is WebSocketState.CONNECTED:
        again = problem is _UNAVAILABLE
        await websocket.close(WS_1013_TRY_AGAIN_LATER if again else WS_1011_INTERNAL_ERROR, problem.title)


def problem_of(error: Exception) -> Problem:
    """The most specific entry: an append cut off by a close is an unknown outcome before it is a closed connection."""
    credentials_of_call = getattr(error, "called_as", None) is wire_errors.CalledAs.CALLER
    table = PROBLEMS | CALLERS_OWN if credentials_of_call else PROBLEMS
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


async def problem_response(request: Request | WebSocket, error: Exception) -> JSONResponse | None:
    """The answer; of a WebSocket that was accepted, which can have none any more, the end."""
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        report(request, error, problem.status)
    if isinstance(request, WebSocket) and request.application_state is not WebSocketState.CONNECTING:
        await _end(request, problem)
        return None
    headers = {"Retry-After": RETRY_AFTER} if problem is _UNAVAILABLE else None
    body = {"type": problem.type, "title": problem.title, "status": problem.status}
    return JSONResponse(body, problem.status, headers, media_type="application/problem+json")


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
