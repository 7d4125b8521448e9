"""Calls that change something, whose lost answers must not be taken for failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi_esdb.errors import ClosedInFlight, OutcomeUnknown, WriteClosedInFlight
from fastapi_esdb.wire.errors import EsdbError, Outcome

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions, Transport
    from fastapi_esdb.wire.method import Method, Request, Response


@contextmanager
def telling_doubt(subject: str) -> Iterator[None]:
    """Raise what leaves the outcome open as `OutcomeUnknown` of the subject, from its cause."""
    try:
        yield
    except EsdbError as error:
        if error.outcome is not Outcome.UNKNOWN:
            raise
        kind = WriteClosedInFlight if isinstance(error, ClosedInFlight) else OutcomeUnknown
        raise kind(subject) from error


async def write(
    transport: Transport, method: Method[Request, Response], request: Request, subject: str, options: CallOptions
) -> Response:
    """Make a unary call that changes `subject`. Raises `OutcomeUnknown` where the answer is lost."""
    with telling_doubt(subject):
        return await transport.call(method, request, options)
