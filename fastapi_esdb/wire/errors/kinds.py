"""The kinds that all errors are of, and what is known of a call that failed."""

from __future__ import annotations

import copyreg
import enum
from typing import ClassVar


class Outcome(enum.Enum):
    """What is known of a call that failed."""

    NOT_EXECUTED = "not executed"
    """The server did nothing: the same call may be sent again, whatever it was."""
    ANSWERED = "answered"
    """The server decided against it: sending it again leads nowhere."""
    UNKNOWN = "unknown"
    """It may or may not have happened."""


class CalledAs(enum.Enum):
    """Whose credentials a call carried."""

    CALLER = "the credentials of the call"
    CONNECTION = "the credentials of the connection (ESDB_USERNAME, ESDB_PASSWORD)"
    NOBODY = "nobody: neither the call nor the connection has credentials (ESDB_USERNAME, ESDB_PASSWORD)"


class EsdbError(Exception):
    """The root of everything that fastapi_esdb raises on purpose."""

    outcome: ClassVar[Outcome] = Outcome.ANSWERED
    pool: str | None = None
    """The name of the `Esdb` whose call failed, where one did."""

    def __reduce__(self) -> tuple[object, ...]:
        """How it is copied and pickled: without `__init__`, whose arguments `args` does not have if they were named."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class CallerError(EsdbError):
    """The caller asked for something that can't be: the arguments must change."""


class ServerError(EsdbError):
    """The server understood the call and refused it."""


class NetworkError(EsdbError):
    """No usable answer arrived."""

    outcome = Outcome.UNKNOWN
