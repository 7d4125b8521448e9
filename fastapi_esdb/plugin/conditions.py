"""Revisions as ETags (RFC 9110): a strong one in answers, and what `If-Match` and `If-None-Match` ask of a stream."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Response
from starlette.requests import HTTPConnection

from fastapi_esdb.api.deciders.state_cache import Revision
from fastapi_esdb.plugin import problems as kinds
from fastapi_esdb.plugin.problems import Refusal, public_path
from fastapi_esdb.wire.errors import ConsistencyViolation, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""The methods that change nothing: their answers are cached, and what has not changed is answered with 304."""


class PreconditionFailed(Refusal):
    """412: the stream is not where `If-Match` or `If-None-Match` expects it; nothing was appended."""

    kind = kinds.PRECONDITION_FAILED

    def __init__(self, stream: str, expected: Expected | None, actual: Expected | None) -> None:
        self.stream = stream
        self.expected = expected
        self.actual = actual
        super().__init__("the stream has changed: read it again")


class PreconditionRequired(Refusal):
    """428: the request would change something, and says nothing of the revision that it is about."""

    kind = kinds.PRECONDITION_REQUIRED

    def __init__(self) -> None:
        super().__init__('send the ETag of what you have read as If-Match, or "If-None-Match: *" for something new')


class PreconditionMalformed(Refusal):
    """400: a precondition is no list of entity tags."""

    kind = kinds.PRECONDITION_MALFORMED

    def __init__(self, header: str) -> None:
        super().__init__(f'{header} must be * or entity tags in double quotes, as in {header}: "7"')


class NotModified(HTTPException):
    """304: the stream is still where the client has seen it."""

    def __init__(self, revision: Revision) -> None:
        super().__init__(304, headers={"ETag": etag(revision)})


def etag(revision: Revision) -> str:
    """Return a stream's revision as a strong entity tag: `"7"`, with the quotes."""
    return f'"{-1 if revision is NO_STREAM else revision}"'


_TAG = re.compile(r'\s*(?:(W/)?("[\x21\x23-\x7e\x80-\xff]*"))?\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Tags:
    """The value of `If-Match` or `If-None-Match`: entity tags, or `*` for anything that is there."""

    is_any: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()

    @classmethod
    def of(cls, request: HTTPConnection, header: str) -> Tags | None:
        """Return those of a request, `None` without the header. Raises `PreconditionMalformed`."""
        lines = request.headers.getlist(header)
        if not lines:
            return None
        text = ",".join(lines).strip(" \t")
        if text == "*":
            return cls(is_any=True)
        found: dict[bool, set[str]] = {True: set(), False: set()}
        end = 0
        while end < len(text):
            match = _TAG.match(text, end)
            if match is None:
                raise PreconditionMalformed(header)
            if match[2]:
                found[match[1] is None].add(match[2])
            end = match.end()
        if not (found[True] or found[False]):
            raise PreconditionMalformed(header)
        return cls(strong=frozenset(found[True]), weak=frozenset(found[False]))

    def match_strongly(self, revision: Revision) -> bool:
        """Return whether one of them is this revision. A weak one never is (RFC 9110 8.8.3.2)."""
        return revision is not NO_STREAM and (self.is_any or etag(revision) in self.strong)

    def match_weakly(self, revision: Revision) -> bool:
        """Return whether one of them is this revision, weak or strong."""
        return self.match_strongly(revision) or (revision is not NO_STREAM and etag(revision) in self.weak)


class Conditions:
    """The preconditions of a request, and the headers of its answer that tell where the stream is."""

    def __init__(self, request: HTTPConnection, response: Response) -> None:
        self.is_safe = request.scope.get("method", "GET") in SAFE_METHODS  # a WebSocket begins with a GET
        self.if_match = Tags.of(request, "If-Match")
        self.if_none_match = Tags.of(request, "If-None-Match")
        self._response = response
        self._path = public_path(request)

    @property
    def wants_changes(self) -> bool:
        """True if the client has a copy, and wants an answer only if that is old."""
        return self.is_safe and self.if_none_match is not None and self.if_match is None

    def require(self) -> None:
        """Raise `PreconditionRequired` for a request that would change something and has no condition."""
        if not (self.is_safe or self.if_match or self.if_none_match):
            raise PreconditionRequired

    def check(self, stream: str, revision: Revision) -> Expected:
        """Return what an append has to expect of the stream: `ANY` without a condition.

        Raises `PreconditionFailed`, and `NotModified` (RFC 9110 13.2.2).
        """
        expected: Expected = ANY
        if self.if_match is not None:
            expected = STREAM_EXISTS if self.if_match.is_any else revision
            if not self.if_match.match_strongly(revision):
                raise PreconditionFailed(stream, self._named() if expected is revision else expected, revision)
        if self.if_none_match is not None:
            if self.if_none_match.match_weakly(revision):
                raise NotModified(revision) if self.is_safe else PreconditionFailed(stream, NO_STREAM, revision)
            expected = revision if expected is ANY else expected
        return expected

    def _named(self) -> int | None:
        """The revision in `If-Match`, where it names one."""
        tags = self.if_match.strong if self.if_match else frozenset()
        text = next(iter(tags)).strip('"') if len(tags) == 1 else ""
        return int(text) if re.fullmatch(r"0|[1-9][0-9]{0,18}", text) else None

    def tell(self, revision: Revision, *, is_new: bool = False) -> None:
        """Have the answer tell the revision as its ETag, and with `is_new` where the new stream is found."""
        if revision is not NO_STREAM:
            self._response.headers["ETag"] = etag(revision)
            if is_new:
                self._response.headers.setdefault("Location", self._path)

    @contextmanager
    def of_append(self, stream: str, expected: Expected) -> Iterator[None]:
        """Have a conflict that is one with the precondition raised as `PreconditionFailed`."""
        try:
            yield
        except WrongExpectedRevision as error:
            if expected is ANY or error.stream != stream:
                raise
            raise PreconditionFailed(stream, expected, error.actual) from error
        except ConsistencyViolation as error:
            failed = next((one for one in error.violations if one.stream == stream), None)
            if expected is ANY or failed is None:
                raise
            raise PreconditionFailed(stream, failed.expected, failed.actual) from error


WHAT_WAS_READ = 'The ETag of what was read, as in `"7"`: refused with 412 if it has changed'

IfMatch = Annotated[str | None, Header(alias="If-Match", description=WHAT_WAS_READ)]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="`*`: only if there is nothing yet. Or ETags: only if it has changed"),
]


@cache
def conditions_of(*, is_required: bool = False, must_exist: bool = False) -> Callable[..., Awaitable[Conditions]]:
    """Return the dependency that gives the preconditions of a request.

    It raises `PreconditionMalformed` and, where one `is_required`, `PreconditionRequired`. Streams that `must_exist`
    are looked for elsewhere; OpenAPI tells of both.
    """

    async def conditions(
        request: HTTPConnection,
        response: Response,
        if_match: IfMatch = None,  # noqa: ARG001  for OpenAPI: of one with several lines it holds one
        if_none_match: IfNoneMatch = None,  # noqa: ARG001  the same
    ) -> Conditions:
        found = Conditions(request, response)
        if is_required:
            found.require()
        return found

    conditions.needs_precondition, conditions.needs_stream = is_required, must_exist  # type: ignore[attr-defined]
    return conditions


async def require_if_match(_: Annotated[Conditions, Depends(conditions_of(is_required=True))]) -> None:
    """Refuse requests that would change something and have no precondition: `dependencies=[Depends(require_if_match)]`.

    They are answered with 428. `If-None-Match: *` is a precondition, too: that there is nothing yet.
    """


class StreamRevision:
    """The revision of a stream, for an endpoint that loads no state: `revision("order-{order_id}")` gives it.

    `revision` is that of the last event, `NO_STREAM` where there is none. `expected` is what the request expects, for
    `append`: the revision in `If-Match`, `NO_STREAM` with `If-None-Match: *`, and `ANY` without a precondition.
    """

    def __init__(self, stream: str, revision: Revision, expected: Expected, conditions: Conditions) -> None:
        self.stream = stream
        self.revision = revision
        self.expected = expected
        self._conditions = conditions

    def __repr__(self) -> str:
        return f"StreamRevision({self.stream!r}, {self.revision!r}, expected={self.expected!r})"

    @property
    def exists(self) -> bool:
        """True if the stream has events."""
        return self.revision is not NO_STREAM

    def tell(self, revision: int) -> None:
        """Have the answer tell this revision as its ETag, and where the stream is if it is a new one.

        That is the `revision` of the result of an append, or of the last event that was read.
        """
        self._conditions.tell(revision, is_new=not (self.exists or self._conditions.is_safe))


def is_alone(request: HTTPConnection, marked: Any) -> bool:
    """Return whether no other stream of the endpoint could be what its ETag is about."""
    calls = calls_of(getattr(request.scope.get("route"), "dependant", None))
    return all(call is marked for call in calls if getattr(call, "has_etag", False))


def calls_of(dependant: Any) -> Iterator[Any]:
    """Iterate over what FastAPI calls for a route: the endpoint and all that it depends on."""
    if dependant is not None:
        yield dependant.call
        for each in dependant.dependencies:
            yield from calls_of(each)
