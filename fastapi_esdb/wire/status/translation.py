"""Errors as the status that ends a call, and back.

There are three ways to transmit an error. v1 calls name most errors in the trailer `exception` (`trailers`), with
surprising codes such as NOT_FOUND for a node that is not the leader, so the trailer takes precedence over the code. v2
calls have rich details (`rich_details`), and so have streaming calls that a server ends since it shuts down. All other
errors are a code and a text (`texts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi_esdb.wire.errors import (
    AccessDenied,
    EsdbError,
    SchemaExists,
    SchemaNotFound,
    SchemaRefused,
    ServerShuttingDown,
)
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.headers import Pair, printable
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.registry_details import write_registry
from fastapi_esdb.wire.status.rich_details import RICH_STATUS, read_rich, write_rich
from fastapi_esdb.wire.status.texts import read_text, write_text
from fastapi_esdb.wire.status.trailers import EXCEPTION, row_named, row_of


@dataclass(frozen=True, slots=True)
class Status:
    """The end of a failed call."""

    code: StatusCode
    details: str
    trailers: tuple[Pair, ...] = ()


def error_of(code: StatusCode, details: str | None, trailers: Iterable[Pair] = (), request: Any = None) -> EsdbError:
    """Return the error for the status of a call. `request` is its request, the first one if it has several."""
    error = _told(code, details or "", dict(trailers), request)
    if isinstance(error, AccessDenied) and (needs := getattr(request, "needs", "")):
        error.needs = needs
    return error


def _told(code: StatusCode, details: str, values: Mapping[str, str | bytes], request: Any) -> EsdbError:
    rich = values.get(RICH_STATUS)
    if isinstance(rich, bytes) and (error := read_rich(rich, code)):
        if isinstance(error, SchemaNotFound | SchemaExists | SchemaRefused):
            error.schema = error.schema or getattr(request, "schema", "")
        return error
    row = row_named(str(values.get(EXCEPTION, "")), code)
    if row is None:
        return read_text(code, details)
    error = row.read(values)
    _set_names(error, request)
    return error


def status_of(error: EsdbError) -> Status:
    """Return the status with which a server ends a v1 call that failed with this error."""
    if isinstance(error, ServerShuttingDown):
        return rich_status_of(error)
    row = row_of(error)
    if row is None:
        return Status(*write_text(error))
    values = row.write(error)
    trailers = {EXCEPTION: row.exception, **values}
    pairs = tuple((name, printable(text)) for name, text in trailers.items())
    return Status(row.code, row.text.format_map(values), pairs)


def rich_status_of(error: EsdbError) -> Status:
    """Return the status with which a server ends a v2 call that failed with this error."""
    rich = write_rich(error)
    if rich is None:
        return Status(*write_text(error))
    return Status(rich.code, rich.message, ((RICH_STATUS, rich.trailer),))


def registry_status_of(error: EsdbError) -> Status:
    """Return the status with which a server ends a call of the registry that failed with this error."""
    status = write_registry(error)
    if status is None:
        return rich_status_of(error) if isinstance(error, AccessDenied) else status_of(error)
    return Status(StatusCode(status.code), status.message, ((RICH_STATUS, status.SerializeToString()),))


def _set_names(error: EsdbError, request: Any) -> None:
    """Set the names in the error to those in its request.

    Trailers hold printable ASCII only, and servers percent-encode all else in a name. That can't be reversed, since a
    name may contain such an encoding itself; but the request has the name.
    """
    for attribute, name in _names_in(request).items():
        if name and hasattr(error, attribute):
            setattr(error, attribute, name)


def _names_in(request: Any) -> Mapping[str, str | None]:
    chosen = getattr(request, "filter", None)
    chosen = chosen if isinstance(chosen, EventFilter) else None
    return {
        "stream": getattr(request, "stream", None) or getattr(request, "source", None),
        "group": getattr(request, "group", None),
        "login": getattr(request, "login_name", None),
        "index": chosen.prefixes[0] if chosen and chosen.prefixes else None,
    }
