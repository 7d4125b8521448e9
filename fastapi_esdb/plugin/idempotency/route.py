"""Routes whose requests have an `Idempotency-Key`: what was answered before is answered again, from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from uuid import uuid4

from fastapi import Depends, Header, Request, Response
from fastapi.params import Depends as DependsParam
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.errors import EsdbError
from fastapi_esdb.log import log
from fastapi_esdb.plugin.idempotency.connection import OnceConnection, OnceHandedOn
from fastapi_esdb.plugin.idempotency.journal import Answer, Journal
from fastapi_esdb.plugin.idempotency.keys import (
    HEADER,
    KeyInUse,
    KeyMissing,
    KeyReused,
    RequestKey,
    fingerprint_of,
    key_of,
    key_stream,
)
from fastapi_esdb.plugin.openapi import described_with_validation
from fastapi_esdb.plugin.problems import problems
from fastapi_esdb.wire.errors import WrongExpectedRevision
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.revisions import NO_STREAM

if TYPE_CHECKING:
    from fastapi_esdb.plugin.started import Started

SCOPE = "fastapi_esdb.idempotency"
"""Where a request has its `KeyUse`."""


class Answered(Exception):
    """Ends a request whose answer is known."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("the request was answered before")
        self.answer = answer


class KeyUse:
    """A request on its way, with the key that it may have."""

    def __init__(self, keys: Keys, request: Request, body: bytes) -> None:
        self.keys = keys
        self.journal: Journal | None = None
        self._request = request
        self._body = body
        self._connection: Connection | None = None
        self._in_use: tuple[int, str] | None = None

    def of_request(self, started: Started, *, handed_on: bool) -> OnceConnection:
        """Return the connection that the request makes its appends by."""
        connection = (OnceHandedOn if handed_on else OnceConnection)(started.pool, started.stop)
        connection.journal = lambda: self.journal
        return connection

    async def begin(self, key: str, caller: Any, connection: Connection) -> None:
        """Look what is known of the key. Raises `Answered`, `KeyInUse` and `KeyReused`."""
        route: APIRoute = self._request.scope["route"]
        stream = key_stream(self.keys.prefix, f"{self._request.method} {route.path_format}", caller, key)
        in_use = (id(connection.pool), stream)
        if in_use in self.keys.in_use:
            raise KeyInUse
        self.keys.in_use.add(in_use)
        self._in_use, self._connection = in_use, connection
        journal = Journal(stream, fingerprint_of(key, self._request, self._body))
        await journal.read(connection)
        if journal.answer is not None:
            raise Answered(journal.answer)
        self.journal = journal

    async def keep(self, response: Response) -> None:
        """Store the answer, and have the key expire. What fails is logged: the answer can be made again."""
        journal, connection = self.journal, self._connection
        if journal is None or connection is None or (answer := Answer.of(response)) is None:
            return
        results = await asyncio.gather(
            journal.keep(connection, answer), self._expire(connection, journal.stream), return_exceptions=True
        )
        for failed in results:
            if isinstance(failed, EsdbError):
                text = f"the answer to a request with a key is not stored in {journal.stream}: {failed}"
                log.warning("answer_not_stored", text, stream=journal.stream, reason=shown(failed))
            elif isinstance(failed, BaseException) and not isinstance(failed, KeyInUse | KeyReused):
                raise failed

    async def _expire(self, connection: Connection, stream: str) -> None:
        """Have the stream's events expire. Who has said so before is right."""
        try:
            await connection.set_metadata(stream, self.keys.limits, expected=NO_STREAM)
        except WrongExpectedRevision:
            return

    def end(self) -> None:
        """Let another request have the key."""
        if self._in_use is not None:
            self.keys.in_use.discard(self._in_use)


class Keys:
    """The choices of an app for the keys of some routes, and those that are in use in this process."""

    def __init__(self, esdb: object, max_age: timedelta, prefix: str, methods: Collection[str], required: bool) -> None:
        self.esdb = esdb
        self.limits = StreamMetadata(max_age=max_age)
        self.prefix = prefix
        self.methods = frozenset(methods)
        self.required = required
        self.in_use: set[tuple[int, str]] = set()


def use_in(request: HTTPConnection, esdb: object) -> KeyUse | None:
    """Return the key of a request to a route whose keys are kept in this database."""
    use: KeyUse | None = request.scope.get(SCOPE)
    return use if use is not None and use.keys.esdb is esdb else None


def nobody() -> None:
    """Return who calls where callers need not be told apart."""


Handler = Callable[[Request], Coroutine[Any, Any, Response]]

KeyHeader = Annotated[
    str | None, Header(alias=HEADER, description="A string in double quotes, a new one for each new request")
]


def route_class(keys: Keys, caller: Callable[..., Any], get_connection: Callable[..., Any]) -> type[APIRoute]:
    """Return the class of routes whose requests have keys: `APIRouter(route_class=…)`."""

    called_by_default, connection_default = Depends(caller), Depends(get_connection)

    async def look_up_key(
        request: Request,
        called_by: Any = called_by_default,
        connection: Any = connection_default,
        idempotency_key: KeyHeader = None,  # noqa: ARG001  for OpenAPI
    ) -> None:
        use: KeyUse = request.scope[SCOPE]
        key = key_of(request)
        if key is not None:
            await use.begin(key, called_by, connection)
        elif keys.required:
            raise KeyMissing

    class IdempotentRoute(APIRoute):
        own: ClassVar[DependsParam] = Depends(look_up_key)

        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            if keys.methods & set(options.get("methods") or ()):
                others: Sequence[DependsParam] = options.get("dependencies") or ()
                options["dependencies"] = [self.own, *(one for one in others if one is not self.own)]
                known = {**problems(400, 409), 422: described_with_validation()}
                options["responses"] = {**known, **(options.get("responses") or {})}
            super().__init__(path, endpoint, **options)

        def get_route_handler(self) -> Handler:
            return _keeping_answers(keys, super().get_route_handler())

    return IdempotentRoute


def _keeping_answers(keys: Keys, handler: Handler) -> Handler:
    """Return the handler of a route, which answers a request that comes again as the first time."""

    async def handle(request: Request) -> Response:
        if request.method not in keys.methods:
            return await handler(request)
        use = KeyUse(keys, request, await request.body())
        request.scope[SCOPE] = use
        try:
            response = await handler(request)
            await use.keep(response)
        except Answered as known:
            return known.answer.response()
        finally:
            use.end()
        return response

    return handle


async def request_key(request: Request) -> RequestKey:
    """Return the key of the request, or one of its own for a request that has none."""
    use: KeyUse | None = request.scope.get(SCOPE)
    return RequestKey(use.journal.stream if use is not None and use.journal is not None else str(uuid4()))


IdempotencyKey = Annotated[RequestKey, Depends(request_key)]
"""What an endpoint declares to make ids that are the same when the request is sent again: `key: IdempotencyKey`."""
