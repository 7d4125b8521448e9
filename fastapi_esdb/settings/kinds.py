"""The kinds of values that options of a connection string take: from text, checked.

Each kind says what it `accepts`, in words that complete "must be …", and its `unit`. `parse` raises ValueError with
these words; the message never repeats the text.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from fastapi_esdb.settings.text import has_control

MAX_INT = 2**31 - 1
"""gRPC keeps its channel options in 32 bits."""

_WHOLE = re.compile("-?[0-9]{1,10}")


class Kind(Protocol):
    """A kind of values that an option may have."""

    @property
    def accepts(self) -> str:
        """Return words that complete "must be …"."""
        ...

    @property
    def unit(self) -> str:
        """Return the unit of a number, empty for anything else."""
        ...

    def parse(self, text: str) -> object:
        """Return the value that the (decoded) text stands for. Raises ValueError if it stands for none."""
        ...


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    accepts: str = "true or false"
    unit: str = ""

    def parse(self, text: str) -> bool:
        """Return True for `true` and False for `false`, in any case."""
        if text.lower() not in {"true", "false"}:
            raise ValueError(f"must be {self.accepts}")
        return text.lower() == "true"


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from 1 to `most`, and -1 where it `can_be_off`."""

    unit: str
    most: int = MAX_INT
    can_be_off: bool = False

    @property
    def accepts(self) -> str:
        """Return words that complete "must be …"."""
        return f"a whole number of {self.unit} from 1 to {self.most}" + (", or -1 for off" if self.can_be_off else "")

    def parse(self, text: str) -> int:
        """Return the number, written without blanks and with no other digits than 0 to 9."""
        number = int(text) if _WHOLE.fullmatch(text) else 0
        if 1 <= number <= self.most or (self.can_be_off and number == -1):
            return number
        raise ValueError(f"must be {self.accepts}")


@dataclass(frozen=True, slots=True)
class HeaderText:
    """Text that is sent as a gRPC header, which carries printable ASCII only."""

    accepts: str = "text of printable ASCII characters"
    unit: str = ""

    def parse(self, text: str) -> str:
        """Return the text as it is."""
        if not (text.isascii() and text.isprintable() and text.strip()):
            raise ValueError(f"must be {self.accepts}")
        return text


@dataclass(frozen=True, slots=True)
class FilePath:
    """The path of a file; whether it is there is found out when it is read."""

    accepts: str = "the path of a file"
    unit: str = ""

    def parse(self, text: str) -> Path:
        """Return the path as it is; a relative one starts at the working directory."""
        if not text or has_control(text):
            raise ValueError(f"must be {self.accepts}")
        return Path(text)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few names."""

    names: type[StrEnum]
    unit: str = ""

    @property
    def accepts(self) -> str:
        """Return the words that complete "must be …"."""
        return " or ".join(self.names)

    def parse(self, text: str) -> StrEnum:
        """Return the member of that name, in any case."""
        with suppress(ValueError):
            return self.names(text)
        raise ValueError(f"must be {self.accepts}")


def as_text(value: object) -> str:
    """Return the text that `parse` makes the value of."""
    return str(value).lower() if isinstance(value, bool) else str(value)
