"""Our errors as problem details (RFC 9457), for apps that ask for it; each request that fails is logged and counted."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, get_args

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection
from starlette.status import WS_1011_INTERNAL_ERROR, WS_1013_TRY_AGAIN_LATER
from starlette.websockets import WebSocketState

from fastapi_esdb import errors
from fastapi_esdb.log import log
from fastapi_esdb.plugin import problems as kinds
from fastapi_esdb.plugin.conditions import NotModified
from fastapi_esdb.plugin.loading import NothingThere
from fastapi_esdb.plugin.openapi import describe_problems
from fastapi_esdb.plugin.problems import DOCS, Kind, Problem, Refusal, public_path
from fastapi_esdb.plugin.started import DEFAULT, RETRY_AFTER, ClosedByCommand, find_for
from fastapi_esdb.wire import errors as wire_errors
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument

PROBLEMS: dict[type[Exception], Kind] = {
    ClosedByCommand: kinds.UNAVAILABLE,
    NothingThere: kinds.NOT_FOUND,
    wire_errors.WrongExpectedRevision: kinds.CONFLICT,
    wire_errors.ConsistencyViolation: kinds.CONFLICT,
    wire_errors.StreamNotFound: kinds.NOT_FOUND,
    wire_errors.StreamDeleted: kinds.DELETED,
    wire_errors.AccessDenied: kinds.NOT_AUTHORIZED,
    wire_errors.NotAuthenticated: kinds.NOT_AUTHENTICATED,
    wire_errors.MaximumAppendSizeExceeded: kinds.TOO_LARGE,
    wire_errors.MaximumEventSizeExceeded: kinds.TOO_LARGE,
    wire_errors.NotLeader: kinds.UNAVAILABLE,
    wire_errors.ServerNotReady: kinds.UNAVAILABLE,
    wire_errors.ServerShuttingDown: kinds.UNAVAILABLE,
    wire_errors.ServerBusy: kinds.UNAVAILABLE,
    wire_errors.WriteFailed: kinds.UNAVAILABLE,
    wire_errors.ConnectionRefused: kinds.UNAVAILABLE,
    wire_errors.ConnectionLost: kinds.UNAVAILABLE,
    errors.ConnectionClosed: kinds.UNAVAILABLE,
    errors.TooManyStreams: kinds.UNAVAILABLE,
    errors.NoCredentials: kinds.UNAVAILABLE,
    wire_errors.DeadlineExceeded: kinds.DEADLINE_EXCEEDED,
    wire_errors.ServerTimeout: kinds.DEADLINE_EXCEEDED,
    wire_errors.NoAnswer: kinds.NO_ANSWER,
    errors.OutcomeUnknown: kinds.OUTCOME_UNKNOWN,
}
"""What each error becomes. An error that is not listed is a mistake of the application and stays one: 500."""

CALLERS_OWN: dict[type[Exception], Kind] = {
    wire_errors.AccessDenied: kinds.ACCESS_DENIED,
    wire_errors.NotAuthenticated: kinds.CREDENTIALS_REFUSED,
}
"""What is the caller's business where the credentials came with the call, and the application's where they did not."""

Member = Literal["revisions", "stream"]
"""What a conflict may tell beyond its kind, if the app allows it."""


def add_error_handlers(
    app: FastAPI, *, members: Collection[Member] = (), validation: bool = False, docs: str = DOCS
) -> None:
    """Answer our errors with problem details. Titles are fixed; texts, streams and addresses stay in the logs.

    `members` are what conflicts tell beyond that: with `"revisions"` they have `expected` and `actual` (-1 for a stream
    without events), or the `violations` of an atomic append, with `"stream"` the stream's name. With `validation` a
    request that FastAPI refuses with 422 is answered in the same form, without the values that it has sent. The URLs
    of the types begin with `docs`. OpenAPI shows the problems of preconditions where endpoints have any.

    What becomes a 5xx is logged once, with its causes and the request's path, and counted in `pool.stats()`.

    Handlers that the app has for the same errors stay, whether they were added before or come afterwards.
    Raises `InvalidArgument` for a member that there is not.
    """
    if unknown := set(members) - set(get_args(Member)):
        raise InvalidArgument(f"members must be of {', '.join(get_args(Member))}, not {', '.join(sorted(unknown))}")
    answers = _Answers(docs, frozenset(members))
    handlers: dict[Any, Any] = dict.fromkeys((*PROBLEMS, Refusal), answers.problem)
    handlers[NotModified] = _not_modified
    if validation and not _has_validation_handler(app):
        app.exception_handlers.pop(RequestValidationError)
        handlers[RequestValidationError] = answers.invalid
    for error in handlers.keys() - app.exception_handlers.keys():
        app.add_exception_handler(error, handlers[error])
    describe_problems(app, validation=validation)


def _has_validation_handler(app: FastAPI) -> bool:
    """Return whether the app has one of its own: FastAPI begins with one."""
    return app.exception_handlers.get(RequestValidationError) is not request_validation_exception_handler


def problem_of(error: Exception) -> Kind:
    """The most specific entry: an append cut off by a close is an unknown outcome before it is a closed connection."""
    if isinstance(error, Refusal):
        return error.kind
    credentials_of_call = getattr(error, "called_as", None) is wire_errors.CalledAs.CALLER
    table = PROBLEMS | CALLERS_OWN if credentials_of_call else PROBLEMS
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The handlers of an app, with what it has chosen."""

    docs: str
    members: frozenset[str]

    async def problem(self, request: Request | WebSocket, error: Exception) -> JSONResponse | None:
        """The answer; of a WebSocket that was accepted, which can have none any more, the end."""
        kind = problem_of(error)
        if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            report(request, error, kind.status)
        if isinstance(request, WebSocket) and request.application_state is not WebSocketState.CONNECTING:
            await _end(request, kind)
            return None
        headers = dict(getattr(error, "headers", None) or {})
        if kind is kinds.UNAVAILABLE:
            headers["Retry-After"] = RETRY_AFTER
        detail = error.detail if isinstance(error, Refusal) else None
        return self._made(request, kind, detail, self._members(error)).response(headers)

    async def invalid(self, request: Request | WebSocket, error: RequestValidationError) -> JSONResponse:
        """The answer to what FastAPI refuses, without the values: a body may hold a password."""
        found = [{"loc": list(one["loc"]), "detail": _told(one), "type": one["type"]} for one in error.errors()]
        return self._made(request, kinds.INVALID_REQUEST, None, {"errors": found}).response()

    def _made(self, request: HTTPConnection, kind: Kind, detail: str | None, members: Mapping[str, Any]) -> Problem:
        return Problem(
            type=f"{self.docs}#{kind.name}",
            title=kind.title,
            status=kind.status,
            detail=detail,
            instance=public_path(request),
            **members,
        )

    def _members(self, error: Exception) -> dict[str, Any]:
        """What the error knows of that which the app allows to be told."""
        names = [*(["expected", "actual"] if "revisions" in self.members else ()), *self.members & {"stream"}]
        found = {name: value for name in names if (value := getattr(error, name, None)) is not None}
        if "revisions" in self.members and isinstance(error, wire_errors.ConsistencyViolation):
            found["violations"] = [{name: getattr(one, name) for name in names} for one in error.violations]
        return found


def _told(invalid: Mapping[str, Any]) -> str:
    """The text about an invalid value; the one text of pydantic's that shows the value is another one."""
    return "The tag is none of those expected" if invalid["type"] == "union_tag_invalid" else str(invalid["msg"])


async def _not_modified(_: Request, error: NotModified) -> Response:
    return Response(status_code=error.status_code, headers=error.headers)


async def _end(websocket: WebSocket, kind: Kind) -> None:
    if websocket.client_state is websocket.application_state is WebSocketState.CONNECTED:
        again = kind is kinds.UNAVAILABLE
        await websocket.close(WS_1013_TRY_AGAIN_LATER if again else WS_1011_INTERNAL_ERROR, kind.title)


TEMPORARY = (503, 504)
"""What passes by itself when the database is back: a warning. The others want somebody to look: errors."""


def report(request: HTTPConnection, error: Exception, status: int) -> None:
    """Log the request with the causes of its failure, and count it with the pool that it comes from."""
    level = logging.WARNING if status in TEMPORARY else logging.ERROR
    method = request.scope.get("method", "WebSocket")
    causes = list(_causes(error))
    told = "; ".join(map(_text, causes))
    path = public_path(request)
    text = f"{method} {path}: answered {status}, since {told}"
    log.at(level, "request_failed", text, method=method, path=path, status=status, reason=told)
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
