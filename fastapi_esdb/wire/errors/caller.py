"""Mistakes of the caller: the arguments of the call must change."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.wire.errors.kinds import CallerError


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A mistake that a v2 server found in a field of a request; `field` is empty if it concerns the whole request."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}" if self.field else self.description


@dataclass(eq=False)
class InvalidArgument(CallerError, ValueError):
    """An argument is out of bounds. If a v2 server found it, `violations` name the fields."""

    message: str
    violations: tuple[FieldViolation, ...] = ()

    def __str__(self) -> str:
        return self.message or "the server refused an argument of the call, and did not say which"


@dataclass(eq=False)
class MaximumAppendSizeExceeded(CallerError):
    """The events of an append are together larger than the server allows: `maximum` bytes, if it says how many."""

    maximum: int | None = None

    def __str__(self) -> str:
        limit = f"the server's maximum of {self.maximum} bytes" if self.maximum else "what the server receives"
        return f"the append is larger than {limit}: send fewer or smaller events"


@dataclass(eq=False)
class MaximumEventSizeExceeded(CallerError):
    """An event is larger than the server allows. Sizes are in bytes: data, metadata and type together."""

    event_id: str
    size: int
    maximum: int

    def __str__(self) -> str:
        return f"event {self.event_id} has {self.size} bytes, the server's maximum is {self.maximum}"


@dataclass(eq=False)
class MissingMetadata(CallerError):
    """An event lacks metadata that the server requires: its type or its content type."""

    required: tuple[str, ...]

    def __str__(self) -> str:
        return f"every event needs the metadata {', '.join(self.required)}"


class SeveralWorkers(CallerError):
    """An app with the embedded server runs in several worker processes, and each of them would have its own data."""

    def __str__(self) -> str:
        return (
            "the embedded server cannot serve several workers of one app: run one worker, or run "
            "`python -m fastapi_esdb.embedded --port 2113` beside the app and set "
            "ESDB_CONNECTION_STRING=esdb://127.0.0.1:2113?tls=false"
        )
