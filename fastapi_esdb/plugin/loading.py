"""A stream as an endpoint's parameter, by its state or its revision: its name is made of what the path holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from inspect import Parameter, Signature
from string import Formatter
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Path
from starlette.requests import HTTPConnection

from fastapi_esdb.api.arguments import text
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.deciders.decider import folding_of
from fastapi_esdb.api.deciders.decisions import Loaded, conditional
from fastapi_esdb.plugin.conditions import Conditions, StreamRevision, conditions_of, is_alone
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.revisions import NO_STREAM

CONNECTION = "_connection"
CONDITIONS = "_conditions"
REQUEST = "_request"
"""The names of parameters that no part of a path has."""


class NothingThere(HTTPException):
    """404, also in apps that handle none of our errors: an endpoint asked for a stream that has no events."""

    def __init__(self) -> None:
        super().__init__(404, "there is no such stream")


def state_dependency(
    stream: str,
    decider: Any,
    get_connection: Callable[..., Any],
    *,
    may_be_new: bool = False,
    require_if_match: bool = False,
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Return a `Depends` that loads the stream whose name `stream` gives, with parts of the path in braces.

    Raises `InvalidArgument` for a name that has other braces, for `params` that are not in it, and for what is no
    decider.
    """
    folding_of(decider)
    names = _Names(stream, params or {})

    async def load_state(**given: Any) -> AsyncIterator[Loaded[Any]]:
        connection, conditions, request, name = names.taken(given)
        has_etag = is_alone(request, load_state)
        if has_etag and conditions.wants_changes:
            conditions.check(name, await connection.last_revision(name))
        loaded: Loaded[Any] = await connection.load(name, decider)
        if not (loaded.exists or may_be_new):
            raise NothingThere
        if not has_etag:
            yield loaded
            return
        expected = conditions.check(name, loaded.revision)
        if conditions.is_safe:
            conditions.tell(loaded.revision)
        with conditions.of_append(name, expected):
            yield conditional(loaded, expected, lambda revision: conditions.tell(revision, is_new=not loaded.exists))

    return names.depends(
        load_state, get_connection, conditions_of(is_required=require_if_match, must_exist=not may_be_new)
    )


def revision_dependency(
    stream: str,
    get_connection: Callable[..., Any],
    *,
    may_be_new: bool = False,
    require_if_match: bool = False,
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Return a `Depends` that looks where a stream is, as `state_dependency` does for its state."""
    names = _Names(stream, params or {})

    async def find_revision(**given: Any) -> AsyncIterator[StreamRevision]:
        connection, conditions, _, name = names.taken(given)
        revision = await connection.last_revision(name)
        if not (may_be_new or revision is not NO_STREAM):
            raise NothingThere
        expected = conditions.check(name, revision)
        if conditions.is_safe:
            conditions.tell(revision)
        with conditions.of_append(name, expected):
            yield StreamRevision(name, revision, expected, conditions)

    return names.depends(
        find_revision, get_connection, conditions_of(is_required=require_if_match, must_exist=not may_be_new)
    )


class _Names:
    """The name of a stream with braces, and what FastAPI is to fill them with."""

    def __init__(self, stream: str, params: Mapping[str, Any]) -> None:
        names = placeholders(stream)
        if unknown := params.keys() - set(names):
            raise InvalidArgument(f"params has {', '.join(sorted(unknown))}, which {stream!r} has not")
        self._stream = stream
        self._types = {name: params.get(name, Annotated[str, Path()]) for name in names}

    def depends(
        self,
        dependency: Callable[..., Any],
        get_connection: Callable[..., Any],
        get_conditions: Callable[..., Any],
    ) -> Any:
        """Return the `Depends` of a function that is called with these, and with what `taken` gives."""
        kinds = {
            **self._types,
            CONNECTION: Annotated[Connection, Depends(get_connection)],
            CONDITIONS: Annotated[Conditions, Depends(get_conditions)],
            REQUEST: HTTPConnection,
        }
        parameters = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in kinds.items()]
        dependency.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # FastAPI reads it as inspect does
        dependency.has_etag = True  # type: ignore[attr-defined]  # what `is_alone` looks for
        return Depends(dependency)

    def taken(self, given: dict[str, Any]) -> tuple[Connection, Conditions, HTTPConnection, str]:
        """Return the connection, the preconditions and the request, and the name that the rest makes."""
        connection, conditions, request = (given.pop(name) for name in (CONNECTION, CONDITIONS, REQUEST))
        return connection, conditions, request, self._stream.format(**given)


def placeholders(stream: str) -> list[str]:
    """Return the names in the braces of a stream's name, each once."""
    try:
        found = [parts[1:] for parts in Formatter().parse(text(stream, "stream")) if parts[1] is not None]
    except ValueError:
        found = [(stream, "", None)]
    for name, spec, conversion in found:
        if not str(name).isidentifier() or str(name).startswith("_") or spec or conversion:
            raise InvalidArgument(f"stream {quoted(stream)} must have names of parts of the path in its braces")
    return list(dict.fromkeys(str(name) for name, _, _ in found))
