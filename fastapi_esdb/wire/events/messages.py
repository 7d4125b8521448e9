"""Events from and to messages.

Streams and persistent subscriptions each have message classes of their own for events, with the same fields, so one
pair of functions serves both. Reading is the hottest path of the client: a field is read when it is asked for.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fastapi_esdb.wire.codec.lazy import Readers, filled
from fastapi_esdb.wire.codec.scalars import (
    MAX_UINT64,
    NIL,
    Fields,
    decode_position,
    decode_stream,
    decode_ticks,
    decode_uuid,
    encode_ticks,
    encode_uuid,
    write_uuid,
)
from fastapi_esdb.wire.errors import InvalidArgument, MissingMetadata
from fastapi_esdb.wire.events.values import Position, ProposedEvent, RecordedEvent

if TYPE_CHECKING:
    from fastapi_esdb.wire.proto.v1 import persistent_pb2, streams_pb2

    ReadEvent = streams_pb2.ReadResp.ReadEvent | persistent_pb2.ReadResp.ReadEvent
    Recorded = streams_pb2.ReadResp.ReadEvent.RecordedEvent | persistent_pb2.ReadResp.ReadEvent.RecordedEvent
    Proposed = streams_pb2.AppendReq.ProposedMessage | streams_pb2.BatchAppendReq.ProposedMessage

TYPE = "type"
CONTENT_TYPE = "content-type"
CREATED = "created"
REQUIRED = (TYPE, CONTENT_TYPE)


def decode_read_event(message: ReadEvent) -> RecordedEvent:
    """The event, with its link where it was found through one.

    A link whose target is gone comes without an event: then it is given as itself (`is_unresolved_link`).
    """
    if not message.HasField("link"):
        return RecordedEvent.read_from(message.event, _READERS)
    event = RecordedEvent.read_from(message.event if message.HasField("event") else message.link, _READERS)
    return filled(event, "link", RecordedEvent.read_from(message.link, _READERS))


def _id(message: Recorded) -> UUID:
    return UUID(text) if (text := message.id.string) else decode_uuid(message.id)


_READERS: Readers = {
    "id": _id,
    "stream": lambda message: decode_stream(message.stream_identifier),
    "revision": attrgetter("stream_revision"),
    "type": lambda message: message.metadata[TYPE],
    "data": attrgetter("data"),
    "metadata": attrgetter("custom_metadata"),
    "content_type": lambda message: message.metadata[CONTENT_TYPE],
    "created": lambda message: decode_ticks(int(message.metadata[CREATED])),
    "position": decode_position,
    "link": lambda _: None,
    "retry_count": lambda _: None,
}


def write_read_event(message: ReadEvent, event: RecordedEvent, structured_ids: bool = False) -> None:
    """Fill a ReadEvent; its position is that of the record in the log, the link where there is one.

    The embedded server's hottest path: setting fields takes half as long as making the message of dicts.
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
    """The fields of a ProposedMessage; raises InvalidArgument for texts that are not Unicode."""
    return {
        "id": encode_uuid(event.id),
        "metadata": {TYPE: _unicode(event.type), CONTENT_TYPE: _unicode(event.content_type)},
        "custom_metadata": event.metadata,
        "data": event.data,
    }


def decode_proposed(message: Proposed) -> ProposedEvent:
    """The event that a client wants appended.

    Raises MissingMetadata without its type or content type, InvalidArgument where these are empty, or the id is no
    UUID or the nil one. Other metadata of the message is ignored, as servers do.
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
