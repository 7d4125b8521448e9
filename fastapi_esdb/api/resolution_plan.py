"""What to do next about an append whose answer was lost. Pure decisions; `resolution` carries them out.

Let F be the append as it was sent first, and its answer lost. Each step below either tells what became of F, or has
the events stored in a way that F can't have them stored a second time, whenever it arrives:

- F expects a revision or `NO_STREAM`. It is sent again as it is: a server looks into the stream for the ids, however
  old they are. Where the stream has moved on, what stands at the revisions of the events tells whether they are F's.
- F expects nothing exact. The stream is looked at, back to what this client had seen before F was sent. If F is not
  there, the events are sent with the revision R that the stream ended with as the expectation. That they are written
  means that the stream had not changed since the look, so F was not in it. What is durable stays the same in the logs
  of all later leaders, so that goes for a look at a leader that was deposed meanwhile as well. If F was written in
  between, its events are right behind R, and the server answers as if it had been asked twice; if others came first,
  it is a conflict, and the stream is looked at again. If F arrives afterwards, the server that wrote the events knows
  their ids; and one that leads later got F in a former life, which it has refused by then.
- Where others write so fast that the stream is elsewhere each time, an expectation does not help. Then all is done over
  one connection to the leader, a process P: an append of nothing to the stream that P acknowledges, which it can only
  do while it leads; a look at the stream; and F as it was. If F was written before that acknowledgement, the look
  shows it, since P shows what it has acknowledged and all before it. If F is written later, that is by P or after P:
  P keeps the ids of all that it writes as long as its process lives, and the connection lives no longer, so P writes
  one of the two and answers the other one with it. After P, a new look is taken, since the connection is over then.

That F goes to a leader and to nobody else is what all of it is built on. With `requires_leader=False`, a follower that
was frozen may pass F on to any later leader, which does not know it.

Where F left in a batch with appends of others, the batch is what may arrive late. A server knows it by the first of its
events for a stream, and writes all of it where it does not know that one. So what is sent for F begins with the events
for its stream that left ahead of it and are not there, whether their callers still wait for them or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected, StreamState

if TYPE_CHECKING:
    from fastapi_esdb.api.lookup import Absent

MOST_CONFLICTS = 3
"""After so many in a row the way without an expectation is taken."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send the events with this expectation."""

    expected: Expected


@dataclass(frozen=True, slots=True)
class LookUp:
    """Look for the events at the end of the stream, down to what is `known`: events up to this revision.

    With `at_leader` an append of nothing is acknowledged first, and the append sent as it was afterwards, all by the
    same process.
    """

    known: int = -1
    at_leader: bool = False


@dataclass(frozen=True, slots=True)
class LookUpInPlace:
    """Look where the events would be, which is from this revision on."""

    first: int


@dataclass(frozen=True, slots=True)
class CheckExistence:
    """The stream to exist is not there: have the server say so."""


Step = Send | LookUp | LookUpInPlace | CheckExistence


class ResolutionPlan:
    """Decides, step by step. `expected` is what the caller expects of the stream, to which `count` events go."""

    def __init__(self, expected: Expected, count: int) -> None:
        self._expected = expected
        self._count = count
        self._known = -1
        self._conflicts = 0

    @property
    def is_exact(self) -> bool:
        """True if the append can be sent again as it is, for ever. One without events only asks where the stream is."""
        return not self._count or self._expected not in (ANY, STREAM_EXISTS)

    @property
    def first(self) -> int:
        """The revision that the first event has, if the append took place (on a stream that never was before)."""
        return 0 if isinstance(self._expected, StreamState) else self._expected + 1

    def begin(self) -> Step:
        """Return the first step after the answer of the first sending was lost."""
        return Send(self._expected) if self.is_exact else LookUp()

    def lost(self, step: Step) -> Step:
        """Return the step after one that nothing came of: the same, but a plain look for one at the leader."""
        return replace(step, at_leader=False) if isinstance(step, LookUp) else step

    def in_conflict(self, actual: Expected | None) -> Step | None:
        """Return the step after a conflict; the stream is at `actual`, if that was told.

        `None` stands for a conflict that the caller is to hear of.
        """
        if self.is_exact:
            is_shorter = actual is NO_STREAM or (isinstance(actual, int) and actual < self.first)
            return None if is_shorter or not self._count else LookUpInPlace(self.first)
        self._conflicts += 1
        return self.look()

    def look(self) -> Step:
        """Return the step that looks for the events."""
        return LookUpInPlace(self.first) if self.is_exact else LookUp(self._known)

    def absent(self, found: Absent) -> Step:
        """Return the step after the events were not found in the stream up to its end."""
        if isinstance(found.end, int):
            self._known = max(self._known, found.end)
            if self._conflicts >= MOST_CONFLICTS:
                return LookUp(self._known, at_leader=True)
        return Send(found.end)
