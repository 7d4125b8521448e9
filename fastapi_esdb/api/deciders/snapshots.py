"""States of long streams that are stored, so that a load need not read from the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import PydanticUserError, TypeAdapter

from fastapi_esdb.api import arguments
from fastapi_esdb.api.deciders.state_cache import Folded
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument
from fastapi_esdb.wire.revisions import NO_STREAM

if TYPE_CHECKING:
    from fastapi_esdb.api.streams import Streams
    from fastapi_esdb.wire.events.values import RecordedEvent

TYPE = "$Snapshot"
"""The type of the events that hold states: a system event, so that readers of `$all` are not given it as the app's."""

STORED_WITHIN = 2.0
"""Seconds that a load spends at most on storing one."""


class Snapshots:
    """Stores states of long streams: `snapshots = Snapshots(version=1)` in a decider, or as a `ClassVar` of an entity.

    A load then reads the newest snapshot, the event that it was made after, and what came since. Where there is none,
    or it is of another version, or that event is gone since the stream was deleted or truncated, all is read. What a
    load returns never depends on it, nor does it fail where a snapshot can't be read or stored.

    Each `every` events (100) a load stores one as JSON, in the stream `snapshot-NAME-STREAM`, which keeps the newest.
    NAME is `name`, or that of the state's class. Give them another `version` when the state or `evolve` has changed.

    The state is of a class that pydantic knows: a model, a dataclass, a TypedDict. Where that of the first state is not
    the one of all, `of` says it: `of=Placed | Paid | None`. A state that is not equal to what is read back from its
    JSON is not stored, and the log says so.
    """

    def __init__(self, *, version: int, every: int = 100, of: Any = None, name: str = "") -> None:
        self._version = arguments.whole_number(version, "version", least=1, most=arguments.INT32)
        self._every = arguments.whole_number(every, "every", least=1, most=arguments.INT32)
        self._of = of
        self._name = arguments.text(name, "name") if name else ""
        self._adapters: dict[Any, TypeAdapter[Any]] = {}
        if not (of is None or isinstance(of, type) or name):
            raise InvalidArgument(f"name is missing: {of} is no class whose name the streams of snapshots could have")

    def __repr__(self) -> str:
        return f"Snapshots(version={self._version}, every={self._every})"

    def stream_of(self, stream: str, first: object) -> str:
        """Return the stream that the snapshots of a stream are in; `first` is its state before any event."""
        return f"snapshot-{self._name or self._kind(first).__name__}-{stream}"

    async def find(self, streams: Streams, stream: str, first: object, options: dict[str, Any]) -> Folded[Any] | None:
        """Return the newest state that is stored and can be used.

        Raises `InvalidArgument` for states of a class that pydantic does not know.
        """
        adapter = self._adapter(first)
        try:
            read = streams.read(self.stream_of(stream, first), backwards=True, limit=1, missing_ok=True, **options)
            found = await read.to_list()
            return self._state_in(found[0], first, adapter) if found else None
        except (EsdbError, ValueError, TypeError, KeyError) as error:
            kind = type(error).__name__
            text = f"the snapshot of {stream!r} is passed over: {kind}"
            log.debug("snapshot_unusable", text, stream=stream, error=kind)
            return None

    async def keep(
        self,
        streams: Streams,
        stream: str,
        *,
        first: object,
        known: Folded[Any] | None,
        folded: Folded[Any],
        options: dict[str, Any],
    ) -> None:
        """Store a state, if so many events have come since the `known` one that it was made of."""
        if folded.event_id is None or _count(folded) // self._every <= _count(known) // self._every:
            return
        data = self._data_of(stream, first, folded)
        if data is not None:
            await _store(streams, self.stream_of(stream, first), data, options)

    def _state_in(self, event: RecordedEvent, first: object, adapter: TypeAdapter[Any]) -> Folded[Any] | None:
        data = event.json()
        if event.type != TYPE or data["version"] != self._version or data["class"] != _full_name(self._kind(first)):
            return None
        return Folded(adapter.validate_python(data["state"]), data["revision"], UUID(data["eventId"]))

    def _data_of(self, stream: str, first: object, folded: Folded[Any]) -> dict[str, Any] | None:
        """Return the data of a snapshot, unless the state is not the same when it is read back."""
        adapter = self._adapter(first)
        try:
            state = adapter.dump_python(folded.state, mode="json", warnings="none")
            is_whole = adapter.validate_python(state) == folded.state
        except (ValueError, TypeError):
            is_whole = False
        if not is_whole:
            text = f"the state of {stream!r} is not equal to what its JSON gives: no snapshot is stored"
            log.warning("snapshot_differs", text, stream=stream)
            return None
        return {
            "version": self._version,
            "class": _full_name(self._kind(first)),
            "revision": folded.revision,
            "eventId": str(folded.event_id),
            "state": state,
        }

    def _kind(self, first: object) -> Any:
        return type(first) if self._of is None else self._of

    def _adapter(self, first: object) -> TypeAdapter[Any]:
        kind = self._kind(first)
        if kind not in self._adapters:
            try:
                self._adapters[kind] = TypeAdapter(kind)
            except PydanticUserError:
                raise InvalidArgument(
                    f"snapshots are for states that pydantic knows, such as models and dataclasses, not {kind}"
                ) from None
        return self._adapters[kind]


async def _store(streams: Streams, target: str, data: dict[str, Any], options: dict[str, Any]) -> None:
    """Append a snapshot, and have the stream keep one. That this fails is no reason to fail for what it is for."""
    timeout = min(options.get("timeout") or STORED_WITHIN, STORED_WITHIN)
    chosen = {key: value for key, value in options.items() if key != "read_preference"} | {"timeout": timeout}
    try:
        result = await streams.append(target, NewEvent(TYPE, data), retry_unknown=False, **chosen)
        if result.revision == 0:
            limit = NewEvent("$metadata", {"$maxCount": 1})
            await streams.append(arguments.metadata_stream(target), limit, NO_STREAM, retry_unknown=False, **chosen)
    except EsdbError as error:
        kind = type(error).__name__
        log.warning(
            "snapshot_not_stored", f"a snapshot was not stored in {target!r}: {kind}", stream=target, error=kind
        )


def _count(folded: Folded[Any] | None) -> int:
    """Return the number of events up to that state."""
    return folded.revision + 1 if folded is not None and isinstance(folded.revision, int) else 0


def _full_name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else str(kind)
