"""The caller of a call, and the rank that each method requires (protocol 1.1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from fastapi_esdb.wire.admin import operations, users
from fastapi_esdb.wire.admin.indexes import CREATE_INDEX, GET_INDEX, LIST_INDEXES
from fastapi_esdb.wire.groups import methods as groups
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.projections import methods as projections
from fastapi_esdb.wire.schemas.methods import CREATE_SCHEMA

ADMINS = "$admins"
OPERATORS = "$ops"
"""The groups that give administration (protocol 8)."""


class Rank(enum.IntEnum):
    """The rights of a caller other than to streams. Each rank includes the rights of those before it."""

    ANYBODY = 0
    USER = 1
    OPERATOR = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, with the groups at the time of the call; without a name if the call had no credentials."""

    name: str | None = None
    groups: frozenset[str] = frozenset()

    @property
    def rank(self) -> Rank:
        """By group, or by the login name of a built-in account."""
        if ADMINS in self.groups or self.name == "admin":
            return Rank.ADMIN
        if OPERATORS in self.groups or self.name == "ops":
            return Rank.OPERATOR
        return Rank.ANYBODY if self.name is None else Rank.USER


ANONYMOUS = Caller()
ADMINISTRATOR = Caller("system", frozenset({ADMINS}))
"""Every caller on a server without users, under the name that such a server has in its answers."""


_OF_SERVICES = {
    groups.READ_GROUP.service: Rank.OPERATOR,
    operations.SHUTDOWN.service: Rank.OPERATOR,
    projections.PROJECTION_STATE.service: Rank.USER,
    users.CREATE_USER.service: Rank.ADMIN,
    CREATE_INDEX.service: Rank.OPERATOR,
    CREATE_SCHEMA.service: Rank.USER,
}
_OF_METHODS = {
    groups.READ_GROUP: Rank.USER,
    groups.GROUP_INFO: Rank.USER,
    groups.LIST_GROUPS: Rank.USER,
    projections.DELETE_PROJECTION: Rank.OPERATOR,
    projections.RESTART_PROJECTIONS: Rank.OPERATOR,
    LIST_INDEXES: Rank.USER,
    GET_INDEX: Rank.USER,
    users.USER_DETAILS: Rank.USER,
    users.CHANGE_PASSWORD: Rank.USER,
}
"""Methods that need another rank than the rest of their service."""


def rank_needed(method: Method[Any, Any]) -> Rank:
    """Return the rank that callers of the method need, apart from their rights to streams."""
    return _NEEDED.get(method.path, Rank.ANYBODY)


def _needed(method: Method[Any, Any]) -> Rank:
    return _OF_METHODS.get(method, _OF_SERVICES.get(method.service, Rank.ANYBODY))


_NEEDED = {method.path: _needed(method) for method in all_methods()}
