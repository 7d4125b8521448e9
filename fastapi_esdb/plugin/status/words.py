"""What goes wrong, in words for people: the page shows no traceback and no bare number."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi_esdb.errors import EsdbNotStarted
from fastapi_esdb.wire.errors import (
    AccessDenied,
    DeadlineExceeded,
    EsdbError,
    InvalidArgument,
    NetworkError,
    NotAuthenticated,
    NotSupported,
    StreamDeleted,
    StreamNotFound,
)
from fastapi_esdb.wire.errors.unreadable import shown

Found_co = TypeVar("Found_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A status for programs, a title and a sentence for people."""

    status: int
    title: str
    text: str


NOT_STARTED = Trouble(503, "The app has not started", "Its lifespan has not run, so nothing has connected yet.")
NO_PAGE = Trouble(404, "There is no such page", "The address leads nowhere. Perhaps a letter of it is missing.")
DELETED = Trouble(
    404,
    "This stream is deleted",
    "Its events are gone. It can be written to again, and its revisions will go on where they were.",
)

KNOWN: dict[type[EsdbError], Trouble] = {
    StreamNotFound: Trouble(
        404, "There is no such stream", "Nothing was ever written under this name, or all of its events have expired."
    ),
    StreamDeleted: Trouble(
        410,
        "This stream is deleted for good",
        "It is tombstoned: its events are gone, and its name stays taken.",
    ),
    AccessDenied: Trouble(
        403, "No rights to see this", "The user that the app connects as may not read it. Access lists decide that."
    ),
    NotAuthenticated: Trouble(
        502, "The server refuses the app's credentials", "Look at the user name and the password in the app's settings."
    ),
    NotSupported: Trouble(502, "The server can't do this", "It is too old for it, or that part of it is switched off."),
    DeadlineExceeded: Trouble(504, "The server did not answer in time", "Try again; it may be busy, or out of reach."),
    EsdbNotStarted: NOT_STARTED,
}


def trouble_of(error: EsdbError) -> Trouble:
    """Return what an error means for whoever looks at the page."""
    for kind in type(error).__mro__:
        if kind in KNOWN:
            return KNOWN[kind]
    if isinstance(error, InvalidArgument):
        return Trouble(400, "This can't be", str(error))
    if isinstance(error, NetworkError):
        return Trouble(503, "There is no connection to the database", f"{type(error).__name__}: {shown(error)}")
    return Trouble(502, "The server has refused", f"{type(error).__name__}: {shown(error)}")


REASONS = {
    "not-started": "The app's lifespan has not run.",
    "closed": "The connections were closed by command, and stay so until somebody connects again.",
    "not-connected": "No connection is up; the app goes on trying.",
    "connections-missing": "Some connections are up, others are not.",
    "credentials-refused": "The server does not accept the app's user and password.",
    "credentials-missing": "The server asks for credentials, and the app has none.",
    "consumer-stalled": "A consumer stands still although there are events.",
    "consumer-stopped": "A consumer has stopped.",
}
"""What is behind the reasons that health gives."""


@dataclass(frozen=True, slots=True)
class Told(Generic[Found_co]):
    """An answer of the server, or why there is none."""

    found: Found_co | None = None
    trouble: Trouble | None = None


async def told(asking: Awaitable[Found_co]) -> Told[Found_co]:
    """Return an answer of the server's, or the trouble with it."""
    try:
        return Told(await asking)
    except EsdbError as error:
        return Told(trouble=trouble_of(error))
