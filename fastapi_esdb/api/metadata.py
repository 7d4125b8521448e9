"""Stream metadata and access lists: the values, and getting and setting them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fastapi_esdb.api import arguments
from fastapi_esdb.api.appending import Append, send_append
from fastapi_esdb.api.arguments import instance, metadata_stream, text, whole_number
from fastapi_esdb.api.calls import ConnectionPart
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.reading import Read
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.errors import InvalidArgument, StreamNotFound
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.content import parsed
from fastapi_esdb.wire.positions import BACKWARDS, END
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, Expected
from fastapi_esdb.wire.streams.values import AppendResult, ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.settings.credentials import AnyCredentials


KEYS = {"read": "$r", "write": "$w", "delete": "$d", "meta_read": "$mr", "meta_write": "$mw"}
"""The names that servers have for the fields of `StreamAcl`."""

Names = str | Iterable[str] | None


@dataclass(frozen=True, slots=True, init=False)
class StreamAcl:
    """An access list: for each right the users and roles that have it.

    Give one name or several: user names, or the roles `$admins`, `$ops` and `$all`, which is everybody. A right that
    is `None` falls back to the server's default (see `Connection.set_default_acl`). Members of `$admins` may
    always do everything. Raises `InvalidArgument`.
    """

    read: tuple[str, ...] | None
    write: tuple[str, ...] | None
    delete: tuple[str, ...] | None
    meta_read: tuple[str, ...] | None
    meta_write: tuple[str, ...] | None

    def __init__(
        self,
        read: Names = None,
        write: Names = None,
        delete: Names = None,
        meta_read: Names = None,
        meta_write: Names = None,
    ) -> None:
        given = {"read": read, "write": write, "delete": delete, "meta_read": meta_read, "meta_write": meta_write}
        for right, names in given.items():
            object.__setattr__(self, right, _names(right, names))

    def to_json(self) -> dict[str, list[str]]:
        """Return the JSON object that servers keep."""
        rights = {key: getattr(self, right) for right, key in KEYS.items()}
        return {key: list(names) for key, names in rights.items() if names is not None}

    @classmethod
    def from_json(cls, value: Any) -> StreamAcl:
        """Read such an object; raises `InvalidArgument` where it is none."""
        if not isinstance(value, Mapping):
            raise InvalidArgument(f"acl must be a JSON object, not {quoted(value)}")
        return cls(**{right: value.get(key) for right, key in KEYS.items()})


def _names(right: str, names: Names) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, Iterable):
        raise InvalidArgument(f"acl.{right} must be a name or several names, not {quoted(names)}")
    several = (names,) if isinstance(names, str) else tuple(names)
    return tuple(text(name, f"a name in acl.{right}") for name in several)


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
        """Return the JSON object that servers keep."""
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
        """Read the data of a metadata event as servers do: with one bad value of theirs they ignore all of theirs."""
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


SETTINGS_STREAM = "$settings"
"""Where servers look for the default access lists; they take its last event."""


class Metadata(ConnectionPart):
    """Stream metadata and the default access lists."""

    async def get_metadata(
        self,
        stream: str,
        *,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
    ) -> StreamMetadata:
        """Return the metadata of a stream, empty where none was set; the stream need not exist.

        Raises `StreamDeleted` for a tombstoned stream.
        """
        request = ReadRequest(metadata_stream(stream), END, BACKWARDS, limit=1)
        options = CallOptions.of(timeout, credentials, requires_leader)
        try:
            found = await Read(self._carrier, request, options).to_list()
        except StreamNotFound:
            return StreamMetadata()
        return StreamMetadata.from_json(found[0].data, found[0].revision) if found else StreamMetadata()

    async def set_metadata(
        self,
        stream: str,
        metadata: StreamMetadata,
        expected: Expected = ANY,
        *,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
    ) -> AppendResult:
        """Replace the metadata of a stream, which need not exist yet.

        `expected` is about the metadata: `metadata.revision` as `get_metadata` gave it, or `NO_STREAM` where it was
        `None`, to change nothing that someone else has set meanwhile. Raises as `append` does.
        """
        event = NewEvent("$metadata", arguments.instance(metadata, StreamMetadata, "metadata").to_json())
        append = Append(metadata_stream(stream), arguments.expected_revision(expected), (event,))
        options = CallOptions.of(timeout, credentials, requires_leader)
        return await send_append(self._carrier, append, options, retry_unknown=None)

    async def set_default_acl(
        self,
        *,
        user_streams: StreamAcl | None = None,
        system_streams: StreamAcl | None = None,
        expected: Expected = ANY,
        timeout: float | None = None,
        credentials: AnyCredentials | None = None,
        requires_leader: bool | None = None,
    ) -> AppendResult:
        """Replace the access lists of all streams that have none of their own; system streams begin with `$`.

        What is `None`, a list or a right in one, is what the server comes with: everybody may do everything with
        user streams, and only `$admins` with system streams. `expected` is about the stream `$settings`.
        Raises as `append` does.
        """
        given = {
            "$userStreamAcl": _rights(user_streams, "user_streams"),
            "$systemStreamAcl": _rights(system_streams, "system_streams"),
        }
        event = NewEvent("$settings", {key: rights for key, rights in given.items() if rights is not None})
        append = Append(SETTINGS_STREAM, arguments.expected_revision(expected), (event,))
        options = CallOptions.of(timeout, credentials, requires_leader)
        return await send_append(self._carrier, append, options, retry_unknown=None)


def _rights(acl: StreamAcl | None, name: str) -> dict[str, list[str]] | None:
    return None if acl is None else arguments.instance(acl, StreamAcl, name).to_json()
