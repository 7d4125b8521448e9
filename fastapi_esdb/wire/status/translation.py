"""Errors as the end of a call, its code, text and trailers, and back.

Three languages are spoken there. v1 calls tell most failures by the trailer `exception` (`exception_trailers`) with
codes that surprise, not-leader is NOT_FOUND, so the trailer counts before the code; v2 calls by rich details
(`rich_status`); what is left is a code and a text (`status_texts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.headers import legal
from fastapi_esdb.wire.quiet_grpc import StatusCode
from fastapi_esdb.wire.status.names import as_asked
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
