"""Who may do what."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from fastapi_esdb.wire.errors import AccessDenied, NotAuthenticated
from fastapi_esdb.wire.metadata import CallMetadata, parse_basic

BUILT_IN_USERS = {"admin": "changeit", "ops": "changeit"}
"""The accounts of every new server, with the passwords they come with."""


class Access:
    """The users and their rights. Without `users` everybody may do everything, as on a server with `--insecure`."""

    def __init__(self, users: Mapping[str, str] | None = None) -> None:
        self._users = users

    def user_of(self, metadata: CallMetadata) -> str | None:
        """Who calls, `None` for anonymous. Raises NotAuthenticated for credentials that are wrong."""
        credentials = parse_basic(metadata.authorization)
        if self._users is None or credentials is None:
            return None
        password = self._users.get(credentials.user)
        if password is None or not hmac.compare_digest(password.encode(), credentials.password.encode()):
            raise NotAuthenticated
        return credentials.user

    def check_streams(self, user: str | None) -> None:
        """Raises AccessDenied where the user may not read and write streams: nobody anonymous may (protocol 2.11)."""
        if self._users is not None and user is None:
            raise AccessDenied
