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
        object.__setattr__(made, "_source", (message, readers))
        return made

    if not TYPE_CHECKING:  # type checkers would take any name for a field

        def __getattr__(self, name: str) -> Any:
            """The value of a field that is asked for the first time."""
            if name.startswith("_"):
                raise AttributeError(name)
            message, readers = _source_of(self, name)
            value = readers[name](message)
            object.__setattr__(self, name, value)
            return value


def _source_of(value: Lazy, name: str) -> tuple[Any, Readers]:
    source: tuple[Any, Readers] | None = getattr(value, "_source", None)
    if source is None or name not in source[1]:
        raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}")
    return source
