"""Who may do what with a stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi_esdb.api.arguments import text
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted

KEYS = {"read": "$r", "write": "$w", "delete": "$d", "meta_read": "$mr", "meta_write": "$mw"}
"""The names that servers have for the fields of `StreamAcl`."""

Names = str | Iterable[str] | None


@dataclass(frozen=True, slots=True, init=False)
class StreamAcl:
    """An access list: for each right the users and roles that have it.

    Give one name or several: user names, or the roles `$admins`, `$ops` and `$all`, which is everybody. A right that
    is `None` falls back to the server's default (see `Connection.set_default_acl`). Members of `$admins` may
    always do everything. Raises `InvalidArgument`.
    """

    read: tuple[str, ...] | None
    write: tuple[str, ...] | None
    delete: tuple[str, ...] | None
    meta_read: tuple[str, ...] | None
    meta_write: tuple[str, ...] | None

    def __init__(
        self,
        read: Names = None,
        write: Names = None,
        delete: Names = None,
        meta_read: Names = None,
        meta_write: Names = None,
    ) -> None:
        given = {"read": read, "write": write, "delete": delete, "meta_read": meta_read, "meta_write": meta_write}
        for right, names in given.items():
            object.__setattr__(self, right, _names(right, names))

    def to_json(self) -> dict[str, list[str]]:
        """The object that servers keep."""
        rights = {key: getattr(self, right) for right, key in KEYS.items()}
        return {key: list(names) for key, names in rights.items() if names is not None}

    @classmethod
    def from_json(cls, value: Any) -> StreamAcl:
        """The value of such an object; raises `InvalidArgument` where it is none."""
        if not isinstance(value, Mapping):
            raise InvalidArgument(f"acl must be a JSON object, not {quoted(value)}")
        return cls(**{right: value.get(key) for right, key in KEYS.items()})


def _names(right: str, names: Names) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, Iterable):
        raise InvalidArgument(f"acl.{right} must be a name or several names, not {quoted(names)}")
    several = (names,) if isinstance(names, str) else tuple(names)
    return tuple(text(name, f"a name in acl.{right}") for name in several)
