"""Calls that change something, whose lost answers must not be taken for failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi_esdb.errors import ClosedInFlight, OutcomeUnknown, WriteClosedInFlight
from fastapi_esdb.wire.errors import EsdbError, Outcome

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi_esdb.connection.transport import CallOptions, Transport
    from fastapi_esdb.wire.method import Method, Request, Response


class TellingDoubt:
    """A context that raises what leaves the outcome open as the error that `unknown` makes of it, from its cause."""

    __slots__ = ("_unknown",)

    def __init__(self, unknown: Callable[[EsdbError], OutcomeUnknown]) -> None:
        self._unknown = unknown

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, EsdbError) and error.outcome is Outcome.UNKNOWN:
            raise self._unknown(error) from error


async def write(
    transport: Transport, method: Method[Request, Response], request: Request, subject: str, options: CallOptions
) -> Response:
    """Make a unary call that changes `subject`. Raises `OutcomeUnknown` where the answer is lost."""

    def unknown(cause: EsdbError) -> OutcomeUnknown:
        kind = WriteClosedInFlight if isinstance(cause, ClosedInFlight) else OutcomeUnknown
        return kind(subject)

    with TellingDoubt(unknown):
        return await transport.call(method, request, options)
