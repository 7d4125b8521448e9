"""The progress of a projection: as a value, as a text for people, and as JSON in the metadata of what it writes.

`$c` and `$p` are a position in `$all`, and `$s` is the revision in each stream. `$v` is the writer: the id of the
projection, its epoch (the version that its state began with), its version, and the version of the format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position

NOTHING_READ = Position(0, -1)
"""The position in `$all` of a projection that has not begun."""

NO_REVISION = -1
"""The revision in a stream of a projection that has read nothing of it."""

FORMAT = 4
"""The version of this format that servers of today write."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A position in `$all`, or in one or several streams. A projection of some types in `$all` has the types there."""

    position: Position | None = None
    streams: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        revisions = [f"{stream}: {revision}" for stream, revision in self.streams.items()]
        if self.position is None and len(revisions) == 1:
            return revisions[0]
        position = f"C:{self.position.commit}/P:{self.position.prepare}" if self.position else ""
        return "; ".join([*([position] if position else []), *revisions, *([""] if revisions else [])])

    def moved(self, stream: str, revision: int) -> Tag:
        """Return a copy with another revision in one stream."""
        return Tag(self.position, {**self.streams, stream: revision})

    def at(self, position: Position) -> Tag:
        """Return a copy with another position in `$all`."""
        return Tag(position, self.streams)

    def is_after(self, other: Tag) -> bool:
        """Return whether this is after another tag of the projection. A tag of another kind of source is before it."""
        if self.position and other.position:
            return self.position > other.position
        if self.position or other.position:
            return True
        known = other.streams
        return any(revision > known.get(stream, NO_REVISION) for stream, revision in self.streams.items())

    def json(self) -> dict[str, Any]:
        position = {"$c": self.position.commit, "$p": self.position.prepare} if self.position else {}
        return {**position, "$s": dict(self.streams)} if self.streams else dict(position)


@dataclass(frozen=True, slots=True)
class Version:
    """The writer of a tag."""

    projection: int
    epoch: int = NO_REVISION
    version: int = 0

    def __str__(self) -> str:
        return f"{self.projection}:{self.epoch}:{self.version}:{FORMAT}"


def tagged(version: Version, tag: Tag, extra: Mapping[str, Any] | None = None) -> bytes:
    """The metadata of an event that a projection writes."""
    return json.dumps({"$v": str(version), **tag.json(), **(extra or {})}, separators=(",", ":")).encode()


def read_tag(record: RecordedEvent) -> tuple[Version, Tag] | None:
    """Return the writer of the event and its progress, or `None` if no projection wrote the event."""
    try:
        written = json.loads(record.metadata)
        return _version(written["$v"]), _tag(written)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _version(text: str) -> Version:
    projection, epoch, version, *_ = map(int, text.split(":"))
    return Version(projection, epoch, version)


def _tag(written: Mapping[str, Any]) -> Tag:
    position = Position(int(written["$c"]), int(written["$p"])) if "$c" in written else None
    return Tag(position, {stream: int(revision) for stream, revision in written.get("$s", {}).items()})
