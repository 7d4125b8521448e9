"""Values that are read out of a message field by field, when somebody asks for the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

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

    if not TYPE_CHECKING:  # type checkers would take any name for a field

        def __getattr__(self, name: str) -> Any:
            """The value of a field that is asked for the first time."""
            if name == "_source":
                raise AttributeError(name)
            message, read = _reader_of(self, name)
            value = read(message)
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
