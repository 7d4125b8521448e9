"""Streams.Append: one atomic write to one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.wire.codec.scalars import (
    EMPTY,
    MAX_UINT64,
    Fields,
    decode_expected,
    decode_position,
    decode_requested_stream,
    encode_expected,
    encode_position,
    encode_stream,
)
from fastapi_esdb.wire.errors import InvalidArgument, NoAnswer
from fastapi_esdb.wire.events.messages import decode_proposed, encode_proposed
from fastapi_esdb.wire.events.values import ANY, MAX_REVISION, NO_STREAM, STREAM_EXISTS, StreamState
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.methods import STREAMS
from fastapi_esdb.wire.streams.values import (
    NO_EVENT,
    AppendAnswer,
    AppendConflict,
    AppendFrame,
    AppendOptions,
    AppendResult,
)

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import Expected

    Success = pb.AppendResp.Success | pb.BatchAppendResp.Success

_STATES = {
    "expected_any": ANY,
    "expected_no_stream": NO_STREAM,
    "expected_stream_exists": STREAM_EXISTS,
    "any_20_6_0": ANY,
    "stream_exists_20_6_0": STREAM_EXISTS,
}
"""The names that a conflict has for what was expected, beside a revision."""


def _encode_request(frame: AppendFrame) -> pb.AppendReq:
    if isinstance(frame, AppendOptions):
        stream = encode_stream(frame.stream)
        return pb.AppendReq(options={"stream_identifier": stream, **encode_expected(frame.expected)})
    return pb.AppendReq(proposed_message=encode_proposed(frame))


def _decode_request(message: pb.AppendReq) -> AppendFrame:
    case = message.WhichOneof("content")
    if case is None:
        raise InvalidArgument("a request of Append is empty: give options first, then proposed messages")
    if case == "proposed_message":
        return decode_proposed(message.proposed_message)
    options = message.options
    stream = decode_requested_stream(options.stream_identifier)
    return AppendOptions(stream, decode_expected(options, "expected_stream_revision"))


def _encode_response(answer: AppendAnswer) -> pb.AppendResp:
    if isinstance(answer, AppendResult):
        return pb.AppendResp(success=encode_success(answer))
    return pb.AppendResp(wrong_expected_version=_encode_conflict(answer))


def _decode_response(message: pb.AppendResp) -> AppendAnswer:
    if message.HasField("wrong_expected_version"):
        conflict = message.wrong_expected_version
        return AppendConflict(_decode_expected(conflict), _decode_actual(conflict))
    if not message.HasField("success"):
        raise NoAnswer("it is neither a success nor a conflict")
    return decode_success(message.success)


def encode_success(result: AppendResult) -> Fields:
    """The fields of the Success message of Append and of BatchAppend."""
    revision: Fields = {"no_stream": EMPTY} if result.revision == NO_EVENT else {"current_revision": result.revision}
    if result.position is None:
        return {"no_position": EMPTY, **revision}
    return {"position": encode_position(result.position), **revision}


def decode_success(message: Success) -> AppendResult:
    """The result in the Success message of Append or of BatchAppend; NoAnswer for one that does not tell a revision."""
    case = message.WhichOneof("current_revision_option")
    if case is None or message.current_revision > MAX_REVISION:
        raise NoAnswer("it tells no revision of the stream")
    revision = message.current_revision if case == "current_revision" else NO_EVENT
    position = decode_position(message.position) if message.HasField("position") else None
    return AppendResult(revision, position)


def _encode_conflict(conflict: AppendConflict) -> Fields:
    return {**_encode_expected(conflict.expected), **_encode_actual(conflict.actual)}


def _encode_expected(expected: Expected | None) -> Fields:
    """Each fact goes out twice, as servers send it: under its name and under the one it had in version 20.6.0.

    The old names have no word for "no stream expected", which is a revision of -1 there.
    """
    if expected is None:
        return {}
    if expected is NO_STREAM:
        return {"expected_no_stream": EMPTY, "expected_revision_20_6_0": MAX_UINT64}
    if isinstance(expected, StreamState):
        name = expected.name.lower()
        return {f"expected_{name}": EMPTY, f"{name}_20_6_0": EMPTY}
    return {"expected_revision": expected, "expected_revision_20_6_0": expected}


def _encode_actual(actual: Expected | None) -> Fields:
    if actual is None:
        return {}
    if isinstance(actual, StreamState):
        return {"current_no_stream": EMPTY, "no_stream_20_6_0": EMPTY}
    return {"current_revision": actual, "current_revision_20_6_0": actual}


def _decode_expected(conflict: pb.AppendResp.WrongExpectedVersion) -> Expected | None:
    case = conflict.WhichOneof("expected_revision_option") or conflict.WhichOneof("expected_revision_option_20_6_0")
    if case is None or case in _STATES:
        return _STATES.get(case or "")
    old = conflict.expected_revision_20_6_0
    return conflict.expected_revision if case == "expected_revision" else (NO_STREAM if old == MAX_UINT64 else old)


def _decode_actual(conflict: pb.AppendResp.WrongExpectedVersion) -> Expected | None:
    case = conflict.WhichOneof("current_revision_option") or conflict.WhichOneof("current_revision_option_20_6_0")
    if case == "current_revision":
        return conflict.current_revision
    if case is None:
        return None
    return conflict.current_revision_20_6_0 if case == "current_revision_20_6_0" else NO_STREAM


APPEND: Method[AppendFrame, AppendAnswer] = Method(
    STREAMS,
    "Append",
    Shape.CLIENT_STREAM,
    Codec(pb.AppendReq, _encode_request, _decode_request),
    Codec(pb.AppendResp, _encode_response, _decode_response),
    writes=True,
)
