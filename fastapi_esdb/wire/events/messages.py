"""Converters of events, of the starts of reads, and of filters.

Streams and persistent subscriptions have different message classes with the same fields for these, so one pair of
functions converts both. Reading events is the hottest path of the client: a field is read when it is used.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi_esdb.wire.codec.lazy import Lazy, setter_of
from fastapi_esdb.wire.codec.scalars import (
    EMPTY,
    MAX_UINT64,
    NIL,
    Fields,
    check_revision,
    decode_position,
    decode_requested_stream,
    decode_stream,
    decode_ticks,
    decode_uuid,
    encode_position,
    encode_stream,
    encode_ticks,
    encode_uuid,
    write_uuid,
)
from fastapi_esdb.wire.errors import InvalidArgument, MissingMetadata
from fastapi_esdb.wire.events.values import EventFilter, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import END, START, Edge, Position, Start
from fastapi_esdb.wire.revisions import MAX_REVISION

if TYPE_CHECKING:
    from fastapi_esdb.wire.proto.v1 import persistent_pb2, streams_pb2

    ReadEvent = streams_pb2.ReadResp.ReadEvent | persistent_pb2.ReadResp.ReadEvent
    Recorded = streams_pb2.ReadResp.ReadEvent.RecordedEvent | persistent_pb2.ReadResp.ReadEvent.RecordedEvent
    Proposed = streams_pb2.AppendReq.ProposedMessage | streams_pb2.BatchAppendReq.ProposedMessage
    StreamOptions = (
        streams_pb2.ReadReq.Options.StreamOptions
        | persistent_pb2.CreateReq.StreamOptions
        | persistent_pb2.UpdateReq.StreamOptions
    )
    AllOptions = (
        streams_pb2.ReadReq.Options.AllOptions
        | persistent_pb2.CreateReq.AllOptions
        | persistent_pb2.UpdateReq.AllOptions
    )
    FilterOptions = streams_pb2.ReadReq.Options.FilterOptions | persistent_pb2.CreateReq.AllOptions.FilterOptions


TYPE = "type"
CONTENT_TYPE = "content-type"
CREATED = "created"
REQUIRED = (TYPE, CONTENT_TYPE)


def decode_read_event(message: ReadEvent) -> RecordedEvent:
    """Return the event, with its link if it was found through one.

    A link whose target is gone comes without an event; then the link stands for the event (`is_unresolved_link`).
    """
    if message.HasField("link") and not message.HasField("event"):
        message = _of_link(message, link=message.link)
    return _lazy_event(message, message.event.data)


def _of_link(message: ReadEvent, **more: Any) -> ReadEvent:
    """Return a message whose event is the link of this one."""
    fields: Fields = {"event": message.link, **more}
    return type(message)(**fields)


def _lazy_event(message: ReadEvent, data: bytes) -> RecordedEvent:
    """Return an event with its data, which every reader needs. The message must have an event."""
    event = new_event(RecordedEvent)
    set_source(event, message)
    set_data(event, data)
    return event


new_event, set_source, set_data = RecordedEvent.__new__, setter_of(Lazy, "_source"), setter_of(RecordedEvent, "data")


def _id(message: ReadEvent) -> UUID:
    identity = message.event.id
    return UUID(text) if (text := identity.string) else decode_uuid(identity)


def _link(message: ReadEvent) -> RecordedEvent | None:
    return _lazy_event(_of_link(message), message.link.data) if message.HasField("link") else None


RecordedEvent.readers = {
    "id": _id,
    "stream": lambda message: decode_stream(message.event.stream_identifier),
    "revision": attrgetter("event.stream_revision"),
    "type": lambda message: message.event.metadata[TYPE],
    "metadata": attrgetter("event.custom_metadata"),
    "content_type": lambda message: message.event.metadata[CONTENT_TYPE],
    "created": lambda message: decode_ticks(int(message.event.metadata[CREATED])),
    "position": lambda message: decode_position(message.event),
    "link": _link,
    "retry_count": lambda _: None,
}


def commit_of(event: RecordedEvent) -> int:
    """Return the commit position of an event, -1 where it is not known; for each read, since it makes no `Position`."""
    message = getattr(event, "_source", None)
    if message is None:
        return -1 if event.position is None else event.position.commit
    commit: int = message.event.commit_position
    return -1 if commit == MAX_UINT64 else commit


def write_read_event(message: ReadEvent, event: RecordedEvent, structured_ids: bool = False) -> None:
    """Write an event into a ReadEvent, whose position is that of the link if there is one.

    This is the hottest path of the embedded server: setting fields takes half as long as making messages from dicts.
    """
    position = event.original.position
    if position:
        message.commit_position = position.commit
    else:
        message.no_position.SetInParent()
    if not event.is_unresolved_link:
        _write_recorded(message.event, event, structured_ids)
    if event.link:
        _write_recorded(message.link, event.link, structured_ids)


def _write_recorded(message: Recorded, event: RecordedEvent, structured_ids: bool) -> None:
    write_uuid(message.id, event.id, structured_ids)
    message.stream_identifier.stream_name = event.stream.encode()
    message.stream_revision = event.revision
    message.metadata[TYPE] = event.type
    message.metadata[CONTENT_TYPE] = event.content_type
    message.metadata[CREATED] = str(encode_ticks(event.created))
    message.custom_metadata = event.metadata
    message.data = event.data
    message.commit_position, message.prepare_position = _numbers(event.position)


def _numbers(position: Position | None) -> tuple[int, int]:
    return (position.commit, position.prepare) if position else (MAX_UINT64, MAX_UINT64)


def encode_proposed(event: ProposedEvent) -> Fields:
    """Return the fields of a ProposedMessage. Raises InvalidArgument for text that is not Unicode."""
    return {
        "id": encode_uuid(event.id),
        "metadata": {TYPE: _unicode(event.type), CONTENT_TYPE: _unicode(event.content_type)},
        "custom_metadata": event.metadata,
        "data": event.data,
    }


def decode_proposed(message: Proposed) -> ProposedEvent:
    """Return the event that a client wants to append.

    Raises MissingMetadata without a type and a content type, and InvalidArgument if the type is empty, or the id is no
    UUID or the nil UUID. Other metadata of the message is ignored, as by servers.
    """
    metadata: Any = message.metadata
    if any(name not in metadata for name in REQUIRED):
        raise MissingMetadata(REQUIRED)
    if not metadata[TYPE]:
        raise InvalidArgument("the event type is empty: it must have at least one character")
    identity = decode_uuid(message.id)
    if identity == NIL:
        raise InvalidArgument("the event id is the nil UUID: give every event an id of its own")
    return ProposedEvent(identity, metadata[TYPE], message.data, message.custom_metadata, metadata[CONTENT_TYPE])


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{text!r} is not valid Unicode text") from None
    return text


def encode_source(stream: str | None, start: Start) -> Fields:
    """Return the field `stream` or `all`. Raises InvalidArgument for a name or a start that is not possible."""
    if stream is None:
        return {"all": _encode_all_start(start)}
    return {"stream": {"stream_identifier": encode_stream(stream), **_encode_stream_start(start)}}


def _encode_stream_start(start: Start) -> Fields:
    if isinstance(start, Position):
        raise InvalidArgument(f"{start} is a position in $all: a stream is read from a revision, START or END")
    return _EDGES[start is END] if isinstance(start, Edge) else {"revision": check_revision(start)}


_EDGES: tuple[Fields, Fields] = ({START.value: EMPTY}, {END.value: EMPTY})
"""The start and the end, as fields."""


def _encode_all_start(start: Start) -> Fields:
    if isinstance(start, Edge):
        return _EDGES[start is END]
    if isinstance(start, Position):
        # servers have no positions beyond `MAX_REVISION`; a server that sends such a position knows its meaning
        return {"position": encode_position(_check_position(start, MAX_UINT64 - 1))}
    raise InvalidArgument(f"{start!r} is a revision of a stream: $all is read from a Position, START or END")


def decode_stream_start(options: StreamOptions) -> tuple[str, int | Edge]:
    """Return the stream and its start. Raises InvalidArgument if the request lacks one of them."""
    stream = decode_requested_stream(options.stream_identifier)
    case = options.WhichOneof("revision_option")
    if case is None:
        raise InvalidArgument("revision_option is missing: give a revision, start or end")
    return stream, decode_revision(options.revision) if case == "revision" else Edge(case)


def decode_revision(revision: int) -> int | Edge:
    """Return the revision; the largest number stands for the end."""
    return END if revision == MAX_UINT64 else check_revision(revision)


def decode_all_start(options: AllOptions) -> Position | Edge:
    """Return the start in `$all`. Raises InvalidArgument if the request lacks it."""
    case = options.WhichOneof("all_option")
    if case is None:
        raise InvalidArgument("all_option is missing: give a position, start or end")
    if case != "position":
        return Edge(case)
    position = Position(options.position.commit_position, options.position.prepare_position)
    return END if position == Position(MAX_UINT64, MAX_UINT64) else _check_position(position)


def _check_position(position: Position, most: int = MAX_REVISION) -> Position:
    if not 0 <= position.prepare <= position.commit <= most:
        raise InvalidArgument(f"{position} is invalid: it must be that 0 <= prepare <= commit <= {most}")
    return position


BY_STREAM = "stream_identifier"
BY_TYPE = "event_type"


def encode_filter(given: EventFilter) -> Fields:
    """Return the fields of a FilterOptions message."""
    expression = {"regex": given.regex, "prefix": given.prefixes}
    window: Fields = {"count": EMPTY} if given.window is None else {"max": given.window}
    name = BY_STREAM if given.by_stream else BY_TYPE
    return {name: expression, "checkpointIntervalMultiplier": given.checkpoint_interval, **window}


def decode_filter(message: FilterOptions) -> EventFilter:
    """Return the filter of a client's request. Raises InvalidArgument if it lacks its kind or its window."""
    kind, window = message.WhichOneof("filter"), message.WhichOneof("window")
    if kind is None:
        raise InvalidArgument("the filter has no expression: give stream_identifier or event_type")
    if window is None:
        raise InvalidArgument("the filter has no window: give max or count")
    expression = message.stream_identifier if kind == BY_STREAM else message.event_type
    return EventFilter(
        by_stream=kind == BY_STREAM,
        prefixes=tuple(expression.prefix),
        regex=expression.regex,
        window=message.max if window == "max" else None,
        checkpoint_interval=message.checkpointIntervalMultiplier,
    )
