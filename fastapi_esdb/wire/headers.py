"""The request headers that mean something to a server: the client builds them, the embedded server reads them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

AUTHORIZATION = "authorization"
REQUIRES_LEADER = "requires-leader"
CONNECTION_NAME = "connection-name"

BASIC = "basic"

PRINTABLE = "".join(map(chr, range(ord(" "), ord("~") + 1)))

Pair = tuple[str, str | bytes]


def legal(text: str) -> str:
    """The text as a header or trailer can hold it: what is not printable ASCII is percent-encoded."""
    return quote(text, safe=PRINTABLE)


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """Headers as gRPC takes them, in an object that hides them: tools that show tracebacks show variables, too."""

    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CallMetadata:
    """The headers of one call.

    `authorization` is the header's whole value, see `basic`. `requires_leader` asks a follower to refuse instead of
    answering itself or passing the call on; `None` leaves it out. `connection_name` shows up in the server's
    information on persistent subscriptions.
    """

    authorization: str | None = field(default=None, repr=False)
    requires_leader: bool | None = None
    connection_name: str | None = None

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The headers as gRPC wants them."""
        leader = None if self.requires_leader is None else str(self.requires_leader).lower()
        named = {AUTHORIZATION: self.authorization, REQUIRES_LEADER: leader, CONNECTION_NAME: self.connection_name}
        return tuple((name, legal(value)) for name, value in named.items() if value is not None)


def parse_metadata(pairs: Iterable[Pair]) -> CallMetadata:
    """The headers of a call that arrived; unknown ones are passed over."""
    found = {name: value for name, value in pairs if isinstance(value, str)}
    leader = found.get(REQUIRES_LEADER)
    return CallMetadata(
        authorization=found.get(AUTHORIZATION),
        requires_leader=None if leader is None else leader.lower() == "true",
        connection_name=found.get(CONNECTION_NAME),
    )


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """A user's name and password, as HTTP Basic carries them."""

    user: str
    password: str = field(repr=False)


def basic(user: str, password: str) -> str:
    """The authorization header of a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def parse_basic(authorization: str | None) -> BasicCredentials | None:
    """Who calls; `None` (anonymous) where there is no header, or one of another scheme, or a malformed one."""
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() != BASIC:
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return BasicCredentials(user, password) if colon else None
