"""Values whose fields are read from a message when they are used for the first time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import unreadable

Value = TypeVar("Value")
LazyValue = TypeVar("LazyValue", bound="Lazy")

Readers = Mapping[str, Callable[[Any], Any]]
"""A function for each field, by its name, that reads it from the message."""


class Lazy:
    """The base class of frozen dataclasses with slots whose fields may stay unread until they are used.

    Most readers of an event use two or three of its fields, and reading a UUID or a date costs more than all others
    together. An object that was made in the usual way has its fields from the start; otherwise the two are alike.
    """

    __slots__ = ("_source",)
    _source: Any
    """The message, if it was made of one."""
    readers: ClassVar[Readers] = {}
    """A function for each field that reads it from the message."""

    def __repr__(self) -> str:
        """Return the usual repr of a dataclass, with a mark in place of fields that can't be read."""
        shown = (field.name for field in fields(self) if field.repr)  # type: ignore[arg-type]
        return f"{type(self).__qualname__}({', '.join(f'{name}={self._shown(name)}' for name in shown)})"

    def _shown(self, name: str) -> str:
        try:
            return repr(getattr(self, name))
        except EsdbError:
            return "<unreadable>"

    if not TYPE_CHECKING:  # type checkers would take any name for a field

        def __getattr__(self, name: str) -> Any:
            """Read a field that is used for the first time. Raises `NoAnswer` if it can't be read."""
            read = self.readers.get(name)
            if read is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            message = self._source
            try:
                value = read(message)
            except Exception as error:
                raise unreadable(error) from error
            object.__setattr__(self, name, value)
            return value


def setter_of(cls: type[Value], name: str) -> Callable[[Value, object], None]:
    """Return what sets a slot of new values, which a frozen dataclass would not allow, quicker than `filled`."""
    setter: Callable[[Value, object], None] = cls.__dict__[name].__set__
    return setter


def filled(value: LazyValue, name: str, field: object) -> LazyValue:
    """Set a field of a new value and return the value. Once others have it, it must not change any more."""
    object.__setattr__(value, name, field)
    return value
