"""The caller of a call."""

from __future__ import annotations

import enum
from dataclasses import dataclass

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
