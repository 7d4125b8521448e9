"""What can be set for a stream: limits, access, values of the user's own. Servers keep it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi_esdb.api.arguments import instance, whole_number
from fastapi_esdb.api.stream_acl import StreamAcl
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.values import MAX_REVISION, parsed

SECOND = timedelta(seconds=1)
RESERVED = frozenset({"$maxCount", "$maxAge", "$tb", "$cacheControl", "$acl"})
"""The keys that have a meaning to servers; protocol: stream metadata JSON."""


@dataclass(frozen=True, slots=True)
class StreamMetadata:
    """The metadata of a stream. What it hides is gone for readers at once, from the disk with the next scavenge.

    Args:
        max_count: keep the newest so many events.
        max_age: hide events that are older; whole seconds.
        truncate_before: the first revision that can still be read.
        cache_control: how long HTTP caches may keep the stream's feed; whole seconds.
        acl: who may do what.
        custom: values of your own under names of your own, anything JSON can hold.
        revision: of the metadata itself, to be expected by `set_metadata`; `None` where it was never set.

    Raises:
        InvalidArgument: a value that servers do not accept; they would ignore all of the metadata.
    """

    max_count: int | None = None
    max_age: timedelta | None = None
    truncate_before: int | None = None
    cache_control: timedelta | None = None
    acl: StreamAcl | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    revision: int | None = None

    def __post_init__(self) -> None:
        if self.max_count is not None:
            whole_number(self.max_count, "max_count", least=1, most=MAX_REVISION)
        if self.truncate_before is not None:
            whole_number(self.truncate_before, "truncate_before", least=0, most=MAX_REVISION)
        _seconds(self.max_age, "max_age")
        _seconds(self.cache_control, "cache_control")
        if self.acl is not None:
            instance(self.acl, StreamAcl, "acl")
        instance(self.custom, Mapping, "custom")
        if taken := RESERVED.intersection(self.custom):
            raise InvalidArgument(f"custom must not hold {', '.join(sorted(taken))}: there are fields for it")

    def to_json(self) -> dict[str, Any]:
        """The object that servers keep."""
        reserved = {
            "$maxCount": self.max_count,
            "$maxAge": _seconds(self.max_age, "max_age"),
            "$tb": self.truncate_before,
            "$cacheControl": _seconds(self.cache_control, "cache_control"),
            "$acl": self.acl.to_json() if self.acl else None,
        }
        return {**self.custom, **{key: value for key, value in reserved.items() if value is not None}}

    @classmethod
    def from_json(cls, data: bytes, revision: int | None) -> StreamMetadata:
        """What servers make of the data of a metadata event: one bad value of theirs, and they ignore all of theirs."""
        fields = _object(data)
        custom = {key: value for key, value in fields.items() if key not in RESERVED}
        try:
            return cls(**_reserved(fields), custom=custom, revision=revision)
        except (InvalidArgument, OverflowError, RecursionError):
            return cls(custom=custom, revision=revision)


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = parsed(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _reserved(fields: Mapping[str, Any]) -> dict[str, Any]:
    acl = fields.get("$acl")
    return {
        "max_count": fields.get("$maxCount"),
        "max_age": _span(fields.get("$maxAge"), "$maxAge"),
        "truncate_before": fields.get("$tb"),
        "cache_control": _span(fields.get("$cacheControl"), "$cacheControl"),
        "acl": None if acl is None else StreamAcl.from_json(acl),
    }


def _span(seconds: Any, name: str) -> timedelta | None:
    if seconds is None:
        return None
    return timedelta(seconds=whole_number(seconds, name, least=1, most=MAX_REVISION))


def _seconds(span: object, name: str) -> int | None:
    if span is None:
        return None
    if not isinstance(span, timedelta) or span < SECOND or span % SECOND:
        raise InvalidArgument(f"{name} must be a timedelta of whole seconds, at least one, not {quoted(span)}")
    return span // SECOND
