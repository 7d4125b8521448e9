"""The rights to read and write streams: access lists in their metadata, in `$settings`, and those of every new server.

Each right is looked for by itself: in the stream's own list, then in that of the system, then in the defaults
(protocol 2.11).
"""

from __future__ import annotations

import enum

from fastapi_esdb.embedded.access.caller import ADMINS, Caller, Rank
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.metadata import NO_ACL, Acl, parse_default_acls
from fastapi_esdb.embedded.store.names import SETTINGS, innermost_of, is_metastream, metastream_of, original_of

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
