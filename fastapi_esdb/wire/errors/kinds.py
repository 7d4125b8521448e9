"""The base classes of all errors, and the outcomes of a failed call."""

from __future__ import annotations

import copyreg
import enum
from typing import ClassVar


class Outcome(enum.Enum):
    """The outcome of a call that failed, as far as it is known."""

    NOT_EXECUTED = "not executed"
    """The server did nothing, so the same call may be sent again, whatever it was."""
    ANSWERED = "answered"
    """The server refused the call, so sending it again does not help."""
    UNKNOWN = "unknown"
    """The server may or may not have carried out the call."""


class CalledAs(enum.Enum):
    """The source of the credentials that a call carried."""

    CALLER = "the credentials of the call"
    CONNECTION = "the credentials of the connection (ESDB_USERNAME, ESDB_PASSWORD)"
    PROVIDER = "the credentials that the connection's provider gave"
    NOBODY = "nobody: neither the call nor the connection has credentials (ESDB_USERNAME, ESDB_PASSWORD)"


class EsdbError(Exception):
    """The base class of all errors that fastapi_esdb raises on purpose."""

    outcome: ClassVar[Outcome] = Outcome.ANSWERED
    pool: str | None = None
    """The name of the `Esdb` object whose call failed, if there was one."""

    def __reduce__(self) -> tuple[object, ...]:
        """Copy and pickle without a call of `__init__`: arguments that were passed by name are missing in `args`."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class CallerError(EsdbError):
    """The call is not possible with these arguments: they must change."""


class ServerError(EsdbError):
    """The server understood the call and refused it."""


class NetworkError(EsdbError):
    """No usable answer arrived."""

    outcome = Outcome.UNKNOWN
