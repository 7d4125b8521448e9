"""The status codes of gRPC, whatever transport brings them."""

from __future__ import annotations

import enum


class StatusCode(enum.IntEnum):
    """The status that a call ended with. The values are the protocol's numbers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def _missing_(cls, _number: object) -> StatusCode:
        """Return `UNKNOWN` for a number that gRPC has not defined, as every client of gRPC does."""
        return cls.UNKNOWN
