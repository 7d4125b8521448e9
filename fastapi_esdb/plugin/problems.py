"""Problem details (RFC 9457): the document, the kinds of problems that there are, and their place in OpenAPI."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

MEDIA_TYPE = "application/problem+json"

DOCS = "https://fastapi-esdb.readthedocs.io/en/stable/how-to/errors/"
"""The page that describes every kind of problem, each under an anchor of its name."""


class Problem(BaseModel):
    """A problem as an answer: for programs by its `type`, for people by its `title`.

    `detail` is about this occurrence, and `instance` says which one it is. Further members go into the answer as they
    are. `Problem(type=…, title=…, status=409).response()` answers with one of an app's own.
    """

    model_config = ConfigDict(extra="allow")

    type: str = Field("about:blank", description="A URL that names the kind of problem and leads to its description")
    title: str = Field(description="The kind of problem, always in the same words")
    status: int = Field(description="The HTTP status")
    detail: str | None = Field(None, description="What is the matter this time")
    instance: str | None = Field(None, description="What was asked for")

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """Return the answer: `application/problem+json`, with the status of the problem."""
        body = self.model_dump(mode="json", exclude_none=True)
        return JSONResponse(body, self.status, dict(headers or {}), media_type=MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its name is the anchor in the docs; the title never varies, so that nothing leaks by it."""

    status: int
    name: str
    title: str
    header: str = ""
    """The header of the request that it is about."""


CONFLICT = Kind(409, "wrong-expected-revision", "The stream has changed")
UNAVAILABLE = Kind(503, "unavailable", "EventStoreDB is not available")
NOT_FOUND = Kind(404, "stream-not-found", "The stream does not exist")
DELETED = Kind(410, "stream-deleted", "The stream is deleted")
TOO_LARGE = Kind(413, "too-large", "The events are too large")
NOT_AUTHORIZED = Kind(502, "not-authorized", "EventStoreDB denies this to the application")
NOT_AUTHENTICATED = Kind(502, "not-authenticated", "EventStoreDB refused the application")
ACCESS_DENIED = Kind(403, "access-denied", "Access denied")
CREDENTIALS_REFUSED = Kind(403, "credentials-refused", "EventStoreDB refused the credentials")
DEADLINE_EXCEEDED = Kind(504, "deadline-exceeded", "EventStoreDB did not answer in time")
NO_ANSWER = Kind(502, "no-answer", "EventStoreDB gave no answer that can be read")
OUTCOME_UNKNOWN = Kind(500, "outcome-unknown", "It is not known whether the write happened")
PRECONDITION_FAILED = Kind(412, "precondition-failed", "The stream is not where the request expects it", "If-Match")
PRECONDITION_REQUIRED = Kind(
    428, "precondition-required", "The request must say which revision it is about", "If-Match"
)
PRECONDITION_MALFORMED = Kind(
    400, "precondition-malformed", "The request has a precondition that can't be read", "If-Match"
)
INVALID_REQUEST = Kind(422, "invalid-request", "The request is not valid")
LAST_EVENT_ID_MALFORMED = Kind(400, "last-event-id-malformed", "The Last-Event-ID can't be read", "Last-Event-ID")
KEY_MISSING = Kind(400, "idempotency-key-missing", "The request must have an Idempotency-Key", "Idempotency-Key")
KEY_MALFORMED = Kind(400, "idempotency-key-malformed", "The Idempotency-Key can't be read", "Idempotency-Key")
KEY_REUSED = Kind(422, "idempotency-key-reused", "The Idempotency-Key belongs to another request", "Idempotency-Key")
KEY_IN_USE = Kind(
    409, "idempotency-key-in-use", "The first request with this Idempotency-Key is being carried out", "Idempotency-Key"
)
ANSWER_LOST = Kind(
    500, "idempotency-answer-lost", "The request was carried out before, and its answer is lost", "Idempotency-Key"
)

KINDS = (
    *(CONFLICT, UNAVAILABLE, NOT_FOUND, DELETED, TOO_LARGE, NOT_AUTHORIZED, NOT_AUTHENTICATED, ACCESS_DENIED),
    *(CREDENTIALS_REFUSED, DEADLINE_EXCEEDED, NO_ANSWER, OUTCOME_UNKNOWN),
    *(PRECONDITION_FAILED, PRECONDITION_REQUIRED, PRECONDITION_MALFORMED, INVALID_REQUEST),
    LAST_EVENT_ID_MALFORMED,
    *(KEY_MISSING, KEY_MALFORMED, KEY_REUSED, KEY_IN_USE, ANSWER_LOST),
)


class Refusal(HTTPException):
    """A request that can't be served as it is, also in apps that handle none of our errors."""

    kind: ClassVar[Kind]

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.kind.status, detail, headers)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may answer with, for OpenAPI: `responses=problems(404, 409)`."""
    return {status: described(status) for status in statuses}


def described(status: int, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what OpenAPI says of the problems of a status."""
    content = {MEDIA_TYPE: {"schema": dict(schema or Problem.model_json_schema())}}
    headers = {"headers": RETRY_AFTER} if status == UNAVAILABLE.status else {}
    return {"description": titles(status, [kind.header for kind in KINDS]), "content": content, **headers}


def titles(status: int, headers: Collection[str]) -> str:
    """Return the titles of a status, of the problems that a route with these headers may have."""
    found = [kind.title for kind in KINDS if kind.status == status and (not kind.header or kind.header in headers)]
    return "; or ".join(found) or HTTPStatus(status).phrase


RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "string"}}}


def public_path(request: HTTPConnection) -> str:
    """Return the path as the client has asked for it, fit for a header or a line of the log.

    What a proxy has taken away stands before it again. What is behind it, in the query, may be secret.
    """
    path, root = request.scope["path"], str(request.scope.get("root_path", "")).rstrip("/")
    return quote(path if path.startswith(root) else root + path, safe="/:@!$&'()*+,;=~")
