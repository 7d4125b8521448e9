"""Calls that change something, whose lost answers must not be taken for failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi_esdb.errors import ClosedInFlight, OutcomeUnknown, WriteClosedInFlight
from fastapi_esdb.wire.errors import EsdbError, Outcome

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions, Transport
    from fastapi_esdb.wire.method import Method, Request, Response


@contextmanager
def telling_doubt(unknown: Callable[[EsdbError], OutcomeUnknown]) -> Iterator[None]:
    """Raise what leaves the outcome open as the error that `unknown` makes of it, from its cause."""
    try:
        yield
    except EsdbError as error:
        if error.outcome is Outcome.UNKNOWN:
            raise unknown(error) from error
        raise


async def write(
    transport: Transport, method: Method[Request, Response], request: Request, subject: str, options: CallOptions
) -> Response:
    """Make a unary call that changes `subject`. Raises `OutcomeUnknown` where the answer is lost."""

    def unknown(cause: EsdbError) -> OutcomeUnknown:
        kind = WriteClosedInFlight if isinstance(cause, ClosedInFlight) else OutcomeUnknown
        return kind(subject)

    with telling_doubt(unknown):
        return await transport.call(method, request, options)
