"""Who calls: a user with a password, a bearer token, or what a provider gives; secrets stay out of every text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from pydantic import SecretStr

from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.text import has_control


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Credentials:
    """Who calls: `Credentials("ada", "lovelace")`. `password.get_secret_value()` is the only way to the password.

    Raises ValueError for what HTTP Basic authentication can't carry (RFC 7617, section 2): a colon in the user name,
    control characters; and for an empty one of the two.
    """

    username: str
    password: SecretStr

    def __init__(self, username: str, password: str | SecretStr) -> None:
        if isinstance(password, str):
            password = SecretStr(password)
        if not isinstance(password, SecretStr):
            raise ValueError("password must be a text or a SecretStr")
        if not username or ":" in username or has_control(username):
            raise ValueError("user name must not be empty, nor hold ':' or control characters")
        if not _is_password(password.get_secret_value()):
            raise ValueError("password must not be empty, nor hold control characters")
        object.__setattr__(self, "username", username)
        object.__setattr__(self, "password", password)

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, password='***')"

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, memo: object) -> Credentials:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials can't be pickled, since that would write the password down")


def _is_password(text: str) -> bool:
    """Return whether it can be one; apart, so that the caller's variables in a traceback don't hold the text."""
    return bool(text) and not has_control(text)


@dataclass(frozen=True, slots=True, repr=False, init=False)
class BearerToken:
    """Who calls, as a token says: `BearerToken("eyJ…")`. `token.get_secret_value()` is the only way to the text.

    Servers take tokens with the OAuth plugin (protocol 1.3). Raises ValueError for what a header can't carry: an empty
    text, blanks, and all but printable ASCII (RFC 6750, section 2.1).
    """

    token: SecretStr

    def __init__(self, token: str | SecretStr) -> None:
        if isinstance(token, str):
            token = SecretStr(token)
        if not isinstance(token, SecretStr):
            raise ValueError("token must be a text or a SecretStr")
        if not _is_token(token.get_secret_value()):
            raise ValueError("token must be printable ASCII characters without blanks, and not be empty")
        object.__setattr__(self, "token", token)

    def __repr__(self) -> str:
        return "BearerToken('***')"

    def __copy__(self) -> BearerToken:
        return self

    def __deepcopy__(self, memo: object) -> BearerToken:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a BearerToken can't be pickled, since that would write the token down")


def _is_token(text: str) -> bool:
    """Return whether it can be one; apart for the same reason as `_is_password`."""
    return text.isascii() and text.isprintable() and bool(text) and " " not in text


AnyCredentials = Credentials | BearerToken
"""What a call can carry to say who calls."""

CredentialsProvider = Callable[[AnyCredentials | None], AnyCredentials | Awaitable[AnyCredentials]]
"""A function or coroutine function that is asked before each call who calls.

It gets `None`, or the credentials that the server has just refused: when it returns others then, the call is made again
with these, once. A function must not block: it runs on the event loop.
"""

WANTED = "credentials must be Credentials, a BearerToken, or a function that gives one of them"


def provider_of(credentials: AnyCredentials | CredentialsProvider) -> CredentialsProvider:
    """Return what gives them before each call. Raises `InvalidSettings`, which does not show the value."""
    if callable(credentials):
        return credentials
    if not isinstance(credentials, AnyCredentials):
        raise InvalidSettings(f"{WANTED}, not {type(credentials).__name__}")
    return lambda _: credentials
