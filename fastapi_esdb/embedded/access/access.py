"""Decides which calls are admitted, and to which streams, by access lists in their metadata and in `$settings`.

Each right is looked for by itself: in the stream's own list, then in that of the system, then in the defaults
(protocol 2.11).
"""

from __future__ import annotations

import enum
from collections.abc import Coroutine, Mapping
from typing import Any

from fastapi_esdb.embedded.access.accounts import Accounts
from fastapi_esdb.embedded.access.caller import ADMINISTRATOR, ADMINS, ANONYMOUS, Caller, Rank, rank_needed
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.metadata import NO_ACL, Acl, parse_default_acls
from fastapi_esdb.embedded.store.names import SETTINGS, innermost_of, is_metastream, metastream_of, original_of
from fastapi_esdb.embedded.store.work import side_by_side
from fastapi_esdb.wire.errors import AccessDenied, NotAuthenticated
from fastapi_esdb.wire.headers import KnownHeaders, parse_basic, parse_bearer
from fastapi_esdb.wire.method import Method

EVERYBODY = "$all"
"""In an access list: all users."""


class Right(enum.Enum):
    """A right to a stream. The values are the names that it has in an `Acl`."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    META_READ = "meta_read"
    META_WRITE = "meta_write"


_OF_METASTREAMS = {Right.READ: Right.META_READ, Right.WRITE: Right.META_WRITE}


class Rights:
    """Looks up rights in the streams that they are kept in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, caller: Caller, stream: str, right: Right) -> bool:
        """Return whether the caller has the right. For a metastream, it is the right to the metadata of its stream."""
        if caller.rank is Rank.ADMIN:
            return True
        if is_metastream(stream):
            stream, right = innermost_of(stream), _OF_METASTREAMS.get(right, right)
        return _is_named(caller, self._names(stream, right))

    def sources(self, stream: str) -> tuple[str, str]:
        """The streams that the rights to a stream are kept in."""
        return metastream_of(original_of(stream)), SETTINGS

    def _names(self, stream: str, right: Right) -> tuple[str, ...]:
        is_system = stream.startswith("$")
        own = self._database.metadata(stream).acl or NO_ACL
        for acl in (own, self._default(is_system=is_system)):
            if (names := _named(acl, right)) is not None:
                return names
        return (ADMINS,) if is_system else (EVERYBODY,)

    def _default(self, *, is_system: bool) -> Acl:
        settings = self._database.newest_event(SETTINGS)
        if settings is None:
            return NO_ACL
        of_users, of_system = parse_default_acls(settings.data)
        return of_system if is_system else of_users


def _named(acl: Acl, right: Right) -> tuple[str, ...] | None:
    names: tuple[str, ...] | None = getattr(acl, right.value)
    return names


def _is_named(caller: Caller, names: tuple[str, ...]) -> bool:
    """Return whether a list names the caller, one of their groups, or all users. Anonymous callers are in no list."""
    return caller.name is not None and not {caller.name, EVERYBODY, *caller.groups}.isdisjoint(names)


class Access:
    """Admits callers and checks their rights.

    Args:
        database: where users and access lists are kept.
        accounts: the users. Without them every caller is an administrator, as on a server with `--insecure`.
        tokens: the login names of users by the bearer tokens that stand for them.
    """

    def __init__(
        self, database: Database, accounts: Accounts | None = None, tokens: Mapping[str, str] | None = None
    ) -> None:
        self._database = database
        self._tokens = {} if tokens is None else tokens
        self._rights = Rights(database)
        self.accounts = accounts

    async def admit(self, method: Method[Any, Any], headers: KnownHeaders) -> Caller:
        """Return the caller. Raises NotAuthenticated for wrong credentials, AccessDenied if the rank is too low."""
        caller = await self._caller(headers)
        if caller.rank < rank_needed(method):
            raise AccessDenied
        return caller

    def allows(self, caller: Caller, stream: str, right: Right) -> bool:
        """Return whether the caller may do this with the stream. `$all` can only be read."""
        return self._rights.allow(caller, stream, right)

    def require(self, caller: Caller, stream: str, right: Right) -> None:
        """Raise AccessDenied if the caller has no right to do this."""
        if not self.allows(caller, stream, right):
            raise AccessDenied

    async def while_allowed(self, caller: Caller, stream: str, right: Right, work: Coroutine[Any, Any, None]) -> None:
        """Run something that takes long. Raises AccessDenied as soon as the caller loses the right."""
        if caller.rank is Rank.ADMIN:
            await work
            return
        await side_by_side(work, self._until_denied(caller, stream, right))

    async def _until_denied(self, caller: Caller, stream: str, right: Right) -> None:
        end = self._database.end
        while self.allows(caller, stream, right):
            await self._database.wait(end, *self._rights.sources(stream))
            end = self._database.end
        raise AccessDenied

    async def _caller(self, headers: KnownHeaders) -> Caller:
        if self.accounts is None:
            return ADMINISTRATOR
        account = None
        if (token := parse_bearer(headers.authorization)) is not None and self._tokens:
            account = self.accounts.enabled(self._tokens.get(token, ""))
        elif credentials := parse_basic(headers.authorization):
            account = await self.accounts.signed_in(credentials.user, credentials.password)
        else:
            return ANONYMOUS
        if account is None:
            raise NotAuthenticated
        return Caller(account.login, frozenset(account.groups))
