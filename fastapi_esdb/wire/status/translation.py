"""Errors as the end of a call, its code, text and trailers, and back.

Three languages are spoken there. v1 calls tell most failures by the trailer `exception` (`trailers`) with
codes that surprise, not-leader is NOT_FOUND, so the trailer counts before the code; v2 calls by rich details
(`rich_details`); what is left is a code and a text (`texts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.headers import legal
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.rich_details import RICH_STATUS, read_rich, write_rich
from fastapi_esdb.wire.status.texts import read_text, write_text
from fastapi_esdb.wire.status.trailers import EXCEPTION, row_named, row_of

Trailer = tuple[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Status:
    """How a failed call ends."""

    code: StatusCode
    details: str
    trailers: tuple[Trailer, ...] = ()


def error_of(code: StatusCode, details: str | None, trailers: Iterable[Trailer] = (), request: Any = None) -> EsdbError:
    """What a failed call means to its caller, who gave the `request` (the first one, of a call that has several)."""
    told = dict(trailers)
    rich = told.get(RICH_STATUS)
    if isinstance(rich, bytes) and (error := read_rich(rich)):
        return error
    row = row_named(str(told.get(EXCEPTION, "")), code)
    return as_asked(row.read(told), request) if row else read_text(code, details or "")


def status_of(error: EsdbError) -> Status:
    """How a server ends a v1 call that failed with this error."""
    row = row_of(error)
    if row is None:
        return Status(*write_text(error))
    told = row.write(error)
    trailers = {EXCEPTION: row.exception, **told}
    return Status(row.code, row.text.format_map(told), tuple((name, legal(text)) for name, text in trailers.items()))


def rich_status_of(error: EsdbError) -> Status:
    """How a server ends a v2 call that failed with this error."""
    rich = write_rich(error)
    if rich is None:
        return Status(*write_text(error))
    return Status(rich.code, rich.message, ((RICH_STATUS, rich.trailer),))


Error = TypeVar("Error", bound=EsdbError)


def as_asked(error: Error, request: Any) -> Error:
    """The error with the names of its request: of the stream, group, user or index that it is about."""
    for attribute, name in _names_in(request).items():
        if name and hasattr(error, attribute):
            setattr(error, attribute, name)
    return error


def _names_in(request: Any) -> Mapping[str, str | None]:
    chosen = getattr(request, "filter", None)
    return {
        "stream": getattr(request, "stream", None) or getattr(request, "source", None),
        "group": getattr(request, "group", None),
        "login": getattr(request, "login_name", None),
        "index": chosen.prefixes[0] if chosen and chosen.prefixes else None,
    }
