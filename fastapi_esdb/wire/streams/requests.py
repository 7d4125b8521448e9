"""Converters of the requests to the Streams service."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from fastapi_esdb.wire.codec.scalars import (
    EMPTY,
    MORE,
    Fields,
    decode_expected,
    decode_requested_stream,
    decode_timestamp,
    decode_uuid,
    encode_expected,
    encode_stream,
    field,
    varint,
    write_uuid,
)
from fastapi_esdb.wire.errors import CallerError, EsdbError, InvalidArgument
from fastapi_esdb.wire.events.messages import (
    CONTENT_TYPE,
    TYPE,
    decode_all_start,
    decode_filter,
    decode_proposed,
    decode_stream_start,
    encode_filter,
    encode_proposed,
    encode_source,
)
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.positions import BACKWARDS, FORWARDS, START, Start
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.values import (
    ALL_EVENTS,
    AppendFrame,
    AppendOptions,
    BatchFragment,
    BatchOptions,
    DeleteRequest,
    ReadRequest,
)

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import ProposedEvent
    from fastapi_esdb.wire.proto.v1 import duration_pb2
    from fastapi_esdb.wire.revisions import Expected
    from fastapi_esdb.wire.streams.values import AppendRequest


ReadOptions = pb.ReadReq.Options

CHOICES = {
    "stream_option": "stream or all",
    "count_option": "count or subscription",
    "filter_option": "filter or no_filter",
}
"""The options that every Read must have, with the choices that there are."""


_STRUCTURED, _STRING = {"structured": EMPTY}, {"string": EMPTY}


def encode_read(request: ReadRequest) -> pb.ReadReq:
    """Return the message. Raises InvalidArgument for a start or a stream name that is not possible."""
    fields: Fields = {
        **encode_source(request.stream, request.start),
        **({"subscription": EMPTY} if request.subscribe else {"count": request.limit}),
        **({"filter": encode_filter(request.filter)} if request.filter else {"no_filter": EMPTY}),
        "uuid_option": _STRUCTURED if request.structured_ids else _STRING,
    }
    if request.direction is BACKWARDS:
        fields["read_direction"] = ReadOptions.Backwards
    if request.resolve_links:
        fields["resolve_links"] = True
    if request.compatibility:
        fields["control_option"] = {"compatibility": request.compatibility}
    return pb.ReadReq(options=fields)


def write_read(request: ReadRequest) -> bytes:
    """Return the bytes of the message. Short reads pay for it, and differ in little more than the stream's name."""
    if request.stream is None or request.filter is not None or request.structured_ids:
        return bytes(encode_read(request).SerializeToString())
    stream = field(READ_STREAM, _stream(request.stream) + _start_in_stream(request.start))
    rest = _rest_of_read(
        request.direction is BACKWARDS,
        request.limit,
        request.subscribe,
        request.resolve_links,
        request.compatibility,
    )
    return field(READ_OPTIONS, stream + rest)


RECENT = 1024
"""The number of recent types, expectations, deadlines and reads whose bytes are kept for more of them."""


@lru_cache(RECENT)
def _start_in_stream(start: Start) -> bytes:
    message = ReadOptions.StreamOptions(**encode_source("-", start)["stream"])
    message.ClearField("stream_identifier")
    return bytes(message.SerializeToString())


@lru_cache(RECENT)
def _rest_of_read(is_backwards: bool, limit: int, subscribe: bool, resolve_links: bool, compatibility: int) -> bytes:
    direction = BACKWARDS if is_backwards else FORWARDS
    request = ReadRequest("-", START, direction, limit, subscribe, resolve_links, compatibility=compatibility)
    options = encode_read(request).options
    options.ClearField("stream")
    return bytes(options.SerializeToString())


def decode_read(message: pb.ReadReq) -> ReadRequest:
    """Return the read that a client asks for. Raises InvalidArgument if a server would refuse it."""
    options = _checked_read(message)
    stream, start = _decode_read_source(options)
    return ReadRequest(
        stream=stream,
        start=start,
        direction=BACKWARDS if options.read_direction == ReadOptions.Backwards else FORWARDS,
        limit=options.count if options.HasField("count") else ALL_EVENTS,
        subscribe=options.HasField("subscription"),
        resolve_links=options.resolve_links,
        filter=decode_filter(options.filter) if options.HasField("filter") else None,
        structured_ids=options.uuid_option.HasField("structured"),
        compatibility=options.control_option.compatibility,
    )


def _decode_read_source(options: ReadOptions) -> tuple[str | None, Start]:
    if options.HasField("stream"):
        return decode_stream_start(options.stream)
    return None, decode_all_start(options.all)


def _checked_read(message: pb.ReadReq) -> ReadOptions:
    if not message.HasField("options"):
        raise InvalidArgument("options are missing: a Read must say what to read")
    options = message.options
    if options.uuid_option.WhichOneof("content") is None:
        raise InvalidArgument("uuid_option is missing: give structured or string")
    for name, choices in CHOICES.items():
        if options.WhichOneof(name) is None:
            raise InvalidArgument(f"{name} is missing: give {choices}")
    _check_combination(options)
    return options


def _check_combination(options: ReadOptions) -> None:
    if options.HasField("filter") and options.HasField("stream"):
        raise InvalidArgument("a filter goes with all only: read the stream with no_filter")
    if not options.HasField("subscription"):
        return
    if options.read_direction != ReadOptions.Forwards:
        raise InvalidArgument("a subscription goes forwards only: set read_direction to Forwards")
    if options.HasField("filter") and options.filter.checkpointIntervalMultiplier == 0:
        raise InvalidArgument("checkpointIntervalMultiplier is 0: a filtered subscription needs at least 1")


def encode_append_frame(frame: AppendFrame) -> pb.AppendReq:
    """Return the message of a frame. Raises InvalidArgument for names and texts that are not possible."""
    if isinstance(frame, AppendOptions):
        stream = encode_stream(frame.stream)
        return pb.AppendReq(options={"stream_identifier": stream, **encode_expected(frame.expected)})
    return pb.AppendReq(proposed_message=encode_proposed(frame))


def decode_append_frame(message: pb.AppendReq) -> AppendFrame:
    """Return a frame that a client has sent. Raises InvalidArgument or MissingMetadata if a server would refuse it."""
    case = message.WhichOneof("content")
    if case is None:
        raise InvalidArgument("a request of Append is empty: give options first, then proposed messages")
    if case == "proposed_message":
        return decode_proposed(message.proposed_message)
    options = message.options
    stream = decode_requested_stream(options.stream_identifier)
    return AppendOptions(stream, decode_expected(options, "expected_stream_revision"))


DeleteRequestMessage = TypeVar("DeleteRequestMessage", pb.DeleteReq, pb.TombstoneReq)


def delete_request(cls: type[DeleteRequestMessage]) -> Codec[DeleteRequest]:
    """Return the codec of the requests of Delete or of Tombstone."""

    def encode(request: DeleteRequest) -> DeleteRequestMessage:
        stream = encode_stream(request.stream)
        return cls(options={"stream_identifier": stream, **encode_expected(request.expected)})

    def decode(message: DeleteRequestMessage) -> DeleteRequest:
        options = message.options
        stream = decode_requested_stream(options.stream_identifier)
        return DeleteRequest(stream, decode_expected(options, "expected_stream_revision"))

    return Codec(cls, encode, decode)


REVISION = "stream_position"
NANOSECONDS = 1_000_000_000
MILLISECONDS = 1_000


def encode_fragment(fragment: BatchFragment) -> pb.BatchAppendReq:
    """Return the message of a fragment. Raises InvalidArgument for a stream or a revision that is not possible."""
    message = pb.BatchAppendReq(is_final=fragment.final)
    write_uuid(message.correlation_id, fragment.correlation_id, fragment.structured_id)
    if options := fragment.options:
        fields = {"stream_identifier": encode_stream(options.stream), **encode_expected(options.expected, REVISION)}
        message.options.CopyFrom(pb.BatchAppendReq.Options(**fields))
        if options.deadline is not None:
            _write_deadline(message, options.deadline)
    for event in fragment.events:
        _write_event(message, event)
    return message


def encode_batch(call: int, number: int, append: AppendRequest, seconds: float) -> bytes:
    """Return an append as a message's bytes: a whole batch, whose correlation id is made of two numbers below 2^63.

    `call` is the number of the BatchAppend call and `number` that of the append within it; `seconds` are left until its
    deadline, which is told in milliseconds. Raises InvalidArgument if the append does not fit into a message. Every
    append pays for this function, so it makes no messages but those that come again.
    """
    try:
        identity = _call_of(call) + _number(number)
        size = len(identity)  # one digit, since it is 21 at most
        milliseconds = int(seconds * MILLISECONDS) or 1
        options = _stream(append.stream) + _expectation(append.expected) + _deadline(milliseconds)
        head = HEAD % (size + 2, size, identity, varint(len(options)))
        return b"".join([head, options, *map(_proposed, append.events), IS_FINAL])
    except (TypeError, ValueError) as error:
        if isinstance(error, EsdbError):
            raise
        raise InvalidArgument(f"the append to {append.stream!r} can't be sent: {error}") from error


READ_OPTIONS, READ_STREAM = b"\x0a", b"\x0a"
"""The tags of the options in a ReadReq, and of the stream in these."""
CORRELATION_ID, OPTIONS, PROPOSED, IS_FINAL = b"\x0a", b"\x12", b"\x1a", b"\x20\x01"
"""The tags in a BatchAppendReq, the last one with its value; in the same way those of what it is made of."""
STRUCTURED, CALL, NUMBER = b"\x0a", b"\x08", b"\x10"
HEAD = CORRELATION_ID + b"%c" + STRUCTURED + b"%c%b" + OPTIONS + b"%b"
ID, CUSTOM_METADATA, DATA = b"\x0a\x26\x12\x24", b"\x1a", b"\x22"
"""What stands before the text of an id, which has always the same length, and two tags."""


@lru_cache(RECENT)
def _call_of(call: int) -> bytes:
    """Return the first half of an append's correlation id, and the tag of the other one."""
    return CALL + varint(call) + NUMBER


def _number(number: int) -> bytes:
    """Return a number that comes once as protobuf writes it; its parts come again."""
    return _lowest(number % MORE) + varint(number // MORE) if number >= MORE else varint(number)


@lru_cache(MORE)
def _lowest(bits: int) -> bytes:
    return bytes((bits | MORE,))


def _proposed(event: ProposedEvent) -> bytes:
    custom = field(CUSTOM_METADATA, event.metadata) if event.metadata else b""
    data = event.data
    content = b"".join((ID, event.id_text, custom, _kind(event.type, event.content_type), varint(len(data)), data))
    return b"".join((PROPOSED, varint(len(content)), content))


@lru_cache(RECENT)
def _stream(name: str) -> bytes:
    """Return the field with the name, which has the same number in all options."""
    options = pb.BatchAppendReq.Options(stream_identifier=encode_stream(name))
    return bytes(options.SerializeToString())


@lru_cache(RECENT)
def _kind(name: str, content_type: str) -> bytes:
    """Return the fields with the type and the content type, and the tag of the data."""
    message = pb.BatchAppendReq.ProposedMessage(metadata={TYPE: name, CONTENT_TYPE: content_type})
    return bytes(message.SerializeToString(deterministic=True)) + DATA


@lru_cache(RECENT)
def _expectation(expected: Expected) -> bytes:
    return bytes(pb.BatchAppendReq.Options(**encode_expected(expected, REVISION)).SerializeToString())


@lru_cache(RECENT)
def _deadline(milliseconds: int) -> bytes:
    seconds, rest = divmod(milliseconds, MILLISECONDS)
    deadline = {"seconds": seconds, "nanos": rest * (NANOSECONDS // MILLISECONDS)}
    return bytes(pb.BatchAppendReq.Options(deadline=deadline).SerializeToString())


def _write_deadline(message: pb.BatchAppendReq, seconds: float) -> None:
    deadline = message.options.deadline
    deadline.seconds, deadline.nanos = divmod(round(seconds * NANOSECONDS), NANOSECONDS)


def _write_event(message: pb.BatchAppendReq, event: ProposedEvent) -> None:
    proposed = message.proposed_messages.add()
    proposed.id.string = str(event.id)
    proposed.metadata[TYPE] = event.type
    proposed.metadata[CONTENT_TYPE] = event.content_type
    proposed.data = event.data
    if event.metadata:
        proposed.custom_metadata = event.metadata


def decode_fragment(message: pb.BatchAppendReq) -> BatchFragment:
    """Return a fragment that a client has sent, with its `problem` if a server would refuse it."""
    options, events, problem = None, [], None
    try:
        options = _decode_batch_options(message.options) if message.HasField("options") else None
        events = [decode_proposed(event) for event in message.proposed_messages]
    except CallerError as found:
        problem = found
    identity = decode_uuid(message.correlation_id)
    structured = message.correlation_id.HasField("structured")
    return BatchFragment(identity, options, tuple(events), message.is_final, structured, problem)


def _decode_batch_options(message: pb.BatchAppendReq.Options) -> BatchOptions:
    stream = decode_requested_stream(message.stream_identifier)
    expected = decode_expected(message, "expected_stream_position", REVISION)
    return BatchOptions(stream, expected, _decode_deadline(message))


def _decode_deadline(message: pb.BatchAppendReq.Options) -> float | None:
    """Return the seconds that are left. Clients up to version 21.10.0 send the time of the deadline itself."""
    match message.WhichOneof("deadline_option"):
        case "deadline":
            return _seconds(message.deadline)
        case "deadline_21_10_0":
            return (decode_timestamp(message.deadline_21_10_0) - datetime.now(UTC)).total_seconds()
        case _:
            return None


def _seconds(duration: duration_pb2.Duration) -> float:
    return duration.seconds + duration.nanos / NANOSECONDS
