"""How calls end that are not answered by gRPC, or not by a proper status."""

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.codes import ErrorCode
from fastapi_esdb.connection.http2.frames import frame, reset_frame
from fastapi_esdb.connection.http2.statuses import Cause, Ending, percent_decoded
from fastapi_esdb.wire.status.codes import StatusCode
from tests.connection.http2.peers import ANSWER, OK, Frame, Peer, data


def ending_of(peer: Peer, *sent: bytes) -> Ending:
    """What the call on stream 1 ends with."""
    stream = peer.begin()
    peer.sent()
    peer.send(*sent)
    assert stream.ending is not None
    return stream.ending


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("400", StatusCode.INTERNAL),
        ("401", StatusCode.UNAUTHENTICATED),
        ("403", StatusCode.PERMISSION_DENIED),
        ("404", StatusCode.UNIMPLEMENTED),
        ("429", StatusCode.UNAVAILABLE),
        ("502", StatusCode.UNAVAILABLE),
        ("503", StatusCode.UNAVAILABLE),
        ("504", StatusCode.UNAVAILABLE),
        ("500", StatusCode.UNKNOWN),
        ("302", StatusCode.UNKNOWN),
        ("204", StatusCode.UNKNOWN),
    ],
)
@pytest.mark.parametrize("has_text", [False, True])
def test_the_answer_of_a_proxy_becomes_a_status(status: str, code: StatusCode, has_text: bool) -> None:
    """By gRPC's table; its text is not read, and the stream is not waited for."""
    peer = Peer()
    fields = [(":status", status), ("content-type", "text/plain")]
    text = [frame(frames.DATA, 0, 1, b"no healthy upstream"), frame(frames.DATA, 1, 1)] if has_text else []
    ending = ending_of(peer, peer.headers(1, fields, ends=not has_text), *text)
    assert (ending.code, ending.cause) == (code, Cause.ANSWER)
    assert ending.message == f"HTTP status {status} and no gRPC but text/plain"
    assert peer.sent() == ([Frame(frames.RST_STREAM, 0, 1, b"\0\0\0\x08")] if has_text else [])
    assert peer.connection.failure is None


@pytest.mark.parametrize("content_type", ["text/html", "application/grpcx", "application/grpc-web", None])
def test_an_answer_of_another_content_type_is_not_grpc(content_type: str | None) -> None:
    """Its bytes are no messages."""
    peer = Peer()
    fields = [(":status", "200"), *([("content-type", content_type)] if content_type else [])]
    ending = ending_of(peer, peer.headers(1, fields), frame(frames.DATA, 1, 1, b"<html>"))
    assert ending.code == StatusCode.UNKNOWN
    assert "not gRPC" in ending.message


@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc+proto", "application/grpc; charset=x"])
def test_grpc_has_several_content_types(content_type: str) -> None:
    """With a format or a parameter behind."""
    peer = Peer()
    fields = [(":status", "200"), ("content-type", content_type)]
    assert ending_of(peer, peer.headers(1, fields), data(1, b"x"), peer.headers(1, OK, ends=True)).is_ok


@pytest.mark.parametrize("status", ["17", "-1", "x", "", "00", "1000000000000"])
def test_a_status_that_is_none_of_grpcs_is_unknown(status: str) -> None:
    """But an end."""
    peer = Peer()
    ending = ending_of(peer, peer.headers(1), peer.headers(1, [("grpc-status", status)], ends=True))
    assert (ending.code, ending.cause) == (StatusCode.UNKNOWN, Cause.ANSWER)


def test_an_end_without_a_status_is_unknown() -> None:
    """Also if the data ends without trailers, or the answer is headers alone."""
    peer = Peer()
    for number, end in (
        (1, peer.headers(1) + peer.headers(1, [("a", "b")], ends=True)),
        (3, peer.headers(3) + data(3, b"x", ends=True)),
        (5, peer.headers(5, ANSWER, ends=True)),
    ):
        ending = ending_of(peer, end)
        assert ending.code == StatusCode.UNKNOWN, number
        assert ending.message == "the server ended the call without a status"


def test_an_ok_within_a_message_is_no_ok() -> None:
    """What was cut off is missing."""
    peer = Peer()
    part = frame(frames.DATA, 0, 1, b"\0\0\0\0\5hell")
    ending = ending_of(peer, peer.headers(1), part, peer.headers(1, OK, ends=True))
    assert (ending.code, ending.cause) == (StatusCode.INTERNAL, Cause.UNREADABLE)


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        (ErrorCode.NO_ERROR, StatusCode.INTERNAL, Cause.RESET),
        (ErrorCode.INTERNAL_ERROR, StatusCode.INTERNAL, Cause.RESET),
        (ErrorCode.REFUSED_STREAM, StatusCode.UNAVAILABLE, Cause.REFUSED),
        (ErrorCode.CANCEL, StatusCode.CANCELLED, Cause.RESET),
        (ErrorCode.ENHANCE_YOUR_CALM, StatusCode.RESOURCE_EXHAUSTED, Cause.RESET),
        (ErrorCode.INADEQUATE_SECURITY, StatusCode.PERMISSION_DENIED, Cause.RESET),
        (ErrorCode.HTTP_1_1_REQUIRED, StatusCode.INTERNAL, Cause.RESET),
        (4711, StatusCode.INTERNAL, Cause.RESET),
    ],
)
def test_a_reset_becomes_a_status(code: int, status: StatusCode, cause: Cause) -> None:
    """By gRPC's table; whether it was executed is known for a refused stream only."""
    peer = Peer()
    ending = ending_of(peer, peer.headers(1), data(1, b"x"), reset_frame(1, code))
    assert (ending.code, ending.cause) == (status, cause)
    assert (code.name if isinstance(code, ErrorCode) else "4711") in ending.message


def test_compressed_messages_are_refused_with_a_clear_error() -> None:
    """Nobody asked for them. Those before are there, and other calls go on."""
    peer = Peer()
    stream, other = peer.begin(), peer.begin()
    encoded = [*ANSWER, ("grpc-encoding", "gzip")]
    peer.send(peer.headers(1, encoded), data(1, b"plain"), frame(frames.DATA, 0, 1, b"\1\0\0\0\1x"))
    assert peer.connection.take(stream) == [b"plain"]
    assert stream.ending is not None
    assert stream.ending.cause is Cause.UNREADABLE
    assert "compressed" in stream.ending.message
    peer.send(peer.answer(3, b"fine"))
    assert peer.connection.take(other) == [b"fine"]


@pytest.mark.parametrize(
    ("sent", "text"),
    [(b"", ""), (b"a%20b", "a b"), (b"%e2%82%ac", "€"), (b"%", "%"), (b"%4", "%4"), (b"%zz", "%zz"), (b"%ff", "�")],
)
def test_a_message_is_percent_decoded(sent: bytes, text: str) -> None:
    """As far as it can be."""
    assert percent_decoded(sent) == text


@pytest.mark.parametrize("value", ["!", "a", "ü", "aGVsbG8=x"])
def test_a_binary_trailer_that_is_none_is_left_out(value: str) -> None:
    """The status counts, whatever is odd beside it."""
    peer = Peer()
    fields = [("grpc-status", "5"), ("a-bin", value), ("b-bin", "YWI=")]
    ending = ending_of(peer, peer.headers(1), peer.headers(1, fields, ends=True))
    assert ending.code == StatusCode.NOT_FOUND
    assert ("b-bin", b"ab") in ending.trailers
    assert "a-bin" not in dict(ending.trailers)
