"""The indexes that users define: events chosen by a function in JavaScript, and found by a value in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import ConnectionPart, Options, write
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.admin.indexes import (
    CREATE_INDEX,
    DELETE_INDEX,
    GET_INDEX,
    LIST_INDEXES,
    START_INDEX,
    STOP_INDEX,
    CreateIndex,
    Index,
    IndexField,
    IndexFieldType,
    IndexRequest,
    IndexToChange,
)
from fastapi_esdb.wire.errors import HandlerFailed, IndexNotFound, InvalidArgument
from fastapi_esdb.wire.events.values import INDEX_NAME
from fastapi_esdb.wire.method import Method

UNUSED = "-"
"""A name that an index may have, and hardly any does."""


class Indexes(ConnectionPart):
    """Indexes that users define, from server 26.0 on; older ones raise `NotSupported`.

    Read and follow them with `filter=filters.by_index(...)`. Only members of `$ops` and `$admins` may change them, and
    only users may see them; `AccessDenied` says so. Every call takes the `Options` that all calls take. Beside what all
    calls raise there are `InvalidArgument` (also for JavaScript that the server can't take), `IndexNotFound`,
    `IndexExists`, and `OutcomeUnknown` where the answer is lost.
    """

    async def create(
        self,
        name: str,
        *,
        filter: str = "",  # noqa: A002  the protocol's name for it
        fields: Iterable[IndexField] = (),
        start: bool = True,
        **options: Unpack[Options],
    ) -> None:
        """Add an index: of the past events, too, which takes the server a while.

        `filter` is a function in JavaScript that returns whether an event belongs into the index: `rec =>
        rec.schema.name == "OrderPlaced"`; without one all do. `fields` are the values by which it can be read: servers
        take one at most. Names consist of lower-case letters, digits, `_` and `-`.

        Where the same index exists already, in the same state, nothing happens.
        """
        arguments.text_or_empty(filter, "filter")
        request = CreateIndex(_name(name), filter, _fields(fields), arguments.instance(start, bool, "start"))
        await write(self._carrier, CREATE_INDEX, request, name, CallOptions.of(**options))

    async def start(self, name: str, **options: Unpack[Options]) -> None:
        """Have an index take in events, where it does not already: it goes on where it was stopped."""
        await self._change(START_INDEX, name, options)

    async def stop(self, name: str, **options: Unpack[Options]) -> None:
        """Have an index take in no more events. It can't be read then, and who follows it gets `IndexNotFound`."""
        await self._change(STOP_INDEX, name, options)

    async def delete(self, name: str, **options: Unpack[Options]) -> None:
        """Remove an index; deleting it once more is no error. The events that are in it stay as they are.

        An index that is created under the same name later is another one: start to read it from the beginning.
        """
        await self._change(DELETE_INDEX, name, options)

    async def list(self, **options: Unpack[Options]) -> tuple[Index, ...]:
        """Return all indexes that users have defined, in the order of their creation."""
        try:
            return await self._carrier.call(LIST_INDEXES, IndexRequest(), CallOptions.of(**options))
        except HandlerFailed:
            if await self._knows(UNUSED, options):
                raise
            return ()  # 26.1 fails where no index was ever created, and can tell of each that there is none

    async def get(self, name: str, **options: Unpack[Options]) -> Index:
        """Return one index. Raises `IndexNotFound`."""
        return await self._carrier.call(GET_INDEX, IndexRequest(_name(name)), CallOptions.of(**options))

    async def _knows(self, name: str, options: Options) -> bool:
        try:
            await self.get(name, **options)
        except IndexNotFound:
            return False
        return True

    async def _change(self, method: Method[IndexToChange, None], name: str, options: Options) -> None:
        await write(self._carrier, method, IndexToChange(_name(name)), name, CallOptions.of(**options))


def _name(name: str, argument: str = "name") -> str:
    if not INDEX_NAME.fullmatch(arguments.text(name, argument)):
        raise InvalidArgument(f"{argument} {name!r} must consist of lower-case letters, digits, '_' and '-'")
    return name


def _fields(fields: Iterable[IndexField]) -> tuple[IndexField, ...]:
    return tuple(_field(field) for field in arguments.instance(fields, Iterable, "fields"))


def _field(field: IndexField) -> IndexField:
    arguments.instance(field, IndexField, "fields")
    _name(field.name, "the name of a field")
    arguments.text(field.selector, "the selector of a field")
    if arguments.instance(field.type, IndexFieldType, "the type of a field") is IndexFieldType.UNKNOWN:
        raise InvalidArgument("the type of a field must be one of STRING, DOUBLE, INT_32 and INT_64")
    return field
