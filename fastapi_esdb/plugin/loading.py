"""The state of a stream as an endpoint's parameter: the stream's name is made of what the path holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from string import Formatter
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Path

from fastapi_esdb.api.arguments import text
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.deciders.decider import folding_of
from fastapi_esdb.api.deciders.decisions import Loaded
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted

CONNECTION = "_connection"
"""The name of a parameter that no part of a path has."""


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
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Return a `Depends` that loads the stream whose name `stream` gives, with parts of the path in braces.

    Raises `InvalidArgument` for a name that has other braces, for `params` that are not in it, and for what is no
    decider.
    """
    folding_of(decider)
    names, types = placeholders(stream), dict(params or {})
    if unknown := types.keys() - set(names):
        raise InvalidArgument(f"params has {', '.join(sorted(unknown))}, which {stream!r} has not")

    async def load_state(**given: Any) -> Loaded[Any]:
        connection: Connection = given.pop(CONNECTION)
        loaded: Loaded[Any] = await connection.load(stream.format(**given), decider)
        if not (loaded.exists or may_be_new):
            raise NothingThere
        return loaded

    annotations = {name: types.get(name, Annotated[str, Path()]) for name in names}
    annotations[CONNECTION] = Annotated[Connection, Depends(get_connection)]
    parameters = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in annotations.items()]
    load_state.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # FastAPI reads it as inspect does
    return Depends(load_state)


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
