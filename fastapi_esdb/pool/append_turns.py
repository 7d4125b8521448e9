"""Whose turn it is among the appends to one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.pool.append_group import MadeApart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastapi_esdb.pool.append_group import Member


class AppendTurns:
    """One append to a stream goes with a group; those that come meanwhile have their turn behind it, apart.

    From where a stream is in the end, nothing but the revision of one append to it can be told: a server that knows
    the ids of others would have written none of them, and of those behind a new one it does not look for the ids.
    """

    def __init__(self) -> None:
        self._ahead: dict[str, int] = {}
        """How many have their turn at present, by stream."""
        self._behind: dict[str, list[Member]] = {}

    def __bool__(self) -> bool:
        """Whether there is anybody."""
        return bool(self._ahead)

    @property
    def behind(self) -> Iterator[Member]:
        """Those who are still to have their turn."""
        return (member for members in self._behind.values() for member in members)

    def enter(self, member: Member) -> None:
        """Give it its turn if no other append to its stream has one, otherwise later."""
        stream = member.request.stream
        if stream in self._ahead:
            self._behind.setdefault(stream, []).append(member)
        else:
            self._ahead[stream] = 1
            member.has_turn = True

    def leave(self, member: Member) -> None:
        """It has come to its end, whatever that is. With the last of a stream the turn is that of those behind."""
        stream = member.request.stream
        if member.has_turn:
            self._ahead[stream] -= 1
            if not self._ahead[stream]:
                del self._ahead[stream]
                self._set_off(stream, self._behind.pop(stream, ()))

    def _set_off(self, stream: str, members: Sequence[Member]) -> None:
        """Have those made apart who are still there, in the order in which they came."""
        present = [member for member in members if not member.answer.done()]
        if present:
            self._ahead[stream] = len(present)
        for member in present:
            member.has_turn = True
            member.finish(MadeApart())
