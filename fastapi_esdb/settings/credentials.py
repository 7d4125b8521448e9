"""A user name and its password, kept out of every text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from pydantic import SecretStr

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
