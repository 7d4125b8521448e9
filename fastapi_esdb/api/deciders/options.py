"""The options of `load` and `decide`, and what a decision may be, as type checkers see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from typing_extensions import TypeVar

from fastapi_esdb.api.proposing import Appendable

if TYPE_CHECKING:
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.settings.credentials import AnyCredentials
    from fastapi_esdb.wire.revisions import Expected

Made = TypeVar("Made", bound=Appendable)
"""The class of the events that a function decides for."""
Made_co = TypeVar("Made_co", covariant=True, default=Any)

Decision: TypeAlias = Appendable | Iterable[Appendable] | None
"""The events that a function decides for: one, several (a list, a tuple or a generator), or none."""


class LoadOptions(TypedDict, total=False):
    """The options of a read."""

    timeout: float | None
    credentials: AnyCredentials | None
    requires_leader: bool | None
    read_preference: NodePreference | None


class DecideOptions(TypedDict, total=False):
    """`attempts` bounds how often is decided, `timeout` everything: the reads, the decisions, the pauses, the appends.

    `expected` is what the stream must be for it to be decided at all, first and after a conflict: a revision that the
    caller has seen, `NO_STREAM` or `STREAM_EXISTS`. The others are those of every call.
    """

    attempts: int
    expected: Expected
    timeout: float | None
    credentials: AnyCredentials | None
    requires_leader: bool | None
