"""Values that are read out of a message field by field, when somebody asks for the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import unreadable

LazyValue = TypeVar("LazyValue", bound="Lazy")

Readers = Mapping[str, Callable[[Any], Any]]
"""How each field is read out of a message, by the field's name."""


class Lazy:
    """The base of a frozen dataclass with slots whose fields may stay empty until they are asked for.

    Most readers of an event look at two or three of its fields, and a UUID or a date costs more than all the rest. What
    was made in the usual way has its fields from the start, and nobody can tell the two apart.
    """

    __slots__ = ("_source",)

    @classmethod
    def read_from(cls, message: Any, readers: Readers) -> Self:
        """A value whose fields are still in the message. `readers` has one for each of them."""
        made = cls.__new__(cls)
        _set_source(made, (message, readers))
        return made

    def __repr__(self) -> str:
        """All fields that a dataclass shows, those that can't be read as such."""
        shown = (field.name for field in fields(self) if field.repr)  # type: ignore[arg-type]
        return f"{type(self).__qualname__}({', '.join(f'{name}={self._shown(name)}' for name in shown)})"

    def _shown(self, name: str) -> str:
        try:
            return repr(getattr(self, name))
        except EsdbError:
            return "<unreadable>"

    if not TYPE_CHECKING:  # type checkers would take any name for a field

        def __getattr__(self, name: str) -> Any:
            """The value of a field that is asked for the first time. Raises `NoAnswer` for one that can't be read."""
            if name == "_source":
                raise AttributeError(name)
            message, read = _reader_of(self, name)
            try:
                value = read(message)
            except Exception as error:
                raise unreadable(error) from error
            object.__setattr__(self, name, value)
            return value


_set_source = Lazy.__dict__["_source"].__set__
"""Sets what a frozen dataclass guards."""


def _reader_of(value: Lazy, name: str) -> tuple[Any, Callable[[Any], Any]]:
    try:
        message, readers = value._source  # type: ignore[attr-defined]
        return message, readers[name]
    except (AttributeError, KeyError):
        raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}") from None


def filled(value: LazyValue, name: str, field: object) -> LazyValue:
    """The value with that field, as long as nobody else has seen it: others rely on its being frozen."""
    object.__setattr__(value, name, field)
    return value
