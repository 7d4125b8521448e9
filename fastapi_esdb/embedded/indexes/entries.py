"""The content of an index: where its events are in the log."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Protocol

from fastapi_esdb.embedded.indexes.script import IndexedRecord, Value, value_of
from fastapi_esdb.embedded.store.by_name import ByName
from fastapi_esdb.wire.admin.indexes import IndexField

NOTHING: Sequence[int] = ()


class IndexSource(Protocol):
    """An index, or the events in it that have one value, for somebody who reads it."""

    async def reach(self, end: int) -> None:
        """Return when everything before a position of the log is in it that belongs there.

        Raises IndexNotFound as soon as the index is stopped or deleted.
        """

    @property
    def positions(self) -> Sequence[int]:
        """The positions of its events, in order. It grows."""


class BuiltIn:
    """An index of every server, which begins when it is asked for. `kind` is `ce-`, `et-` or `all`."""

    def __init__(self, by_name: ByName, kind: str, name: str) -> None:
        self._by_name = by_name
        self._kind = kind
        self._name = name

    async def reach(self, end: int) -> None:
        await self._by_name.reach(end)

    @property
    def positions(self) -> Sequence[int]:
        if self._kind == ALL:
            return self._by_name.all
        groups = self._by_name.categories if self._kind == CATEGORY else self._by_name.types
        return groups.get(self._name, NOTHING)


ALL, CATEGORY, EVENT_TYPE = "all", "ce-", "et-"
"""The beginnings of what follows on `$idx-` in the names of these indexes."""


def built_in(by_name: ByName, name: str) -> BuiltIn | None:
    """Return the index of that name, without its `$idx-`."""
    if name == ALL:
        return BuiltIn(by_name, ALL, "")
    kind = name[: len(CATEGORY)]
    return BuiltIn(by_name, kind, name[len(kind) :]) if kind in (CATEGORY, EVENT_TYPE) else None


class Entries:
    """The positions of the events of an index that a user has defined, all of them and by the value of its field."""

    def __init__(self, field: IndexField | None) -> None:
        self.all = array("Q")
        self._field = field
        self._by_value: dict[Value, array[int]] = {}

    def add(self, records: Iterable[IndexedRecord]) -> None:
        """Add records that follow on those before."""
        for position, value in records:
            self.all.append(position)
            if value is not None:
                self._by_value.setdefault(value, array("Q")).append(position)

    def of(self, text: str) -> Sequence[int]:
        """Return the positions of the events with the value that is told by a text, if it is any of that field."""
        try:
            return self._by_value.get(value_of(self._field, text), NOTHING)
        except ValueError:
            return NOTHING
