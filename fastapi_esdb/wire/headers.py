"""The request headers that mean something to a server: the client writes them, the embedded server reads them."""

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
BEARER = "bearer"

PRINTABLE = "".join(map(chr, range(ord(" "), ord("~") + 1)))

Pair = tuple[str, str | bytes]


def printable(text: str) -> str:
    """Return the text as a header or trailer can hold it, with all but printable ASCII percent-encoded."""
    return quote(text, safe=PRINTABLE)


@dataclass(frozen=True, slots=True)
class CallHeaders:
    """Headers as gRPC takes them.

    The repr hides them: tools that show tracebacks show the variables as well, and a password may be among these.
    """

    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class KnownHeaders:
    """The headers that servers know, of one call.

    `authorization` is the whole value of its header, see `basic`. `requires_leader` asks a follower to refuse the call
    instead of answering it or forwarding it to the leader; `None` leaves the header out. `connection_name` is shown in
    the server's information about persistent subscriptions.
    """

    authorization: str | None = field(default=None, repr=False)
    requires_leader: bool | None = None
    connection_name: str | None = None

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the headers as gRPC takes them."""
        leader = None if self.requires_leader is None else str(self.requires_leader).lower()
        named = {AUTHORIZATION: self.authorization, REQUIRES_LEADER: leader, CONNECTION_NAME: self.connection_name}
        return tuple((name, printable(value)) for name, value in named.items() if value is not None)


def parse_headers(pairs: Iterable[Pair]) -> KnownHeaders:
    """Return the known headers of a call that has arrived; all others are ignored."""
    found = {name: value for name, value in pairs if isinstance(value, str)}
    leader = found.get(REQUIRES_LEADER)
    return KnownHeaders(
        authorization=found.get(AUTHORIZATION),
        requires_leader=None if leader is None else leader.lower() == "true",
        connection_name=found.get(CONNECTION_NAME),
    )


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """A user's name and password, as HTTP Basic authentication carries them."""

    user: str
    password: str = field(repr=False)


def basic(user: str, password: str) -> str:
    """Return the value of the authorization header for a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def bearer(token: str) -> str:
    """Return the value of the authorization header for a bearer token."""
    return f"Bearer {token}"


def parse_bearer(authorization: str | None) -> str | None:
    """Return the token in an authorization header, or `None` if there is none in the Bearer scheme."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.lower() == BEARER else None


def parse_basic(authorization: str | None) -> BasicCredentials | None:
    """Return the credentials in an authorization header, or `None` if there are none in the Basic scheme."""
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() != BASIC:
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return BasicCredentials(user, password) if colon else None
