"""What real servers do below gRPC, against a server that does it on cue.

EventStoreDB 24.6.0 and KurrentDB 26.1.0 behave so; their recorded bytes are in `recorded.json`.
"""

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.codes import ErrorCode
from fastapi_esdb.connection.http2.connection import Connection
from fastapi_esdb.connection.http2.frames import frame, goaway_frame, reset_frame, window_frame
from fastapi_esdb.connection.http2.headers import Origin
from fastapi_esdb.connection.http2.messages import framed
from fastapi_esdb.connection.http2.statuses import Cause
from fastapi_esdb.connection.http2.streams import State
from fastapi_esdb.wire.status.codes import StatusCode
from tests.connection.http2.peers import ANSWER, OK, Frame, Peer, data

EVENT = b"e" * 330


@pytest.fixture
def peer() -> Peer:
    return Peer()


def test_what_the_server_says_of_itself_is_known(peer: Peer) -> None:
    """100 calls at a time, its windows, its header lists; ENABLE_CONNECT_PROTOCOL means nothing to us."""
    connection = peer.connection
    assert connection.most_streams == 100
    assert connection.peer.initial_window == 786_432
    assert connection.peer.max_frame == 16_384
    assert connection.peer.max_header_list == 32_768
    assert connection.takes_calls


def test_the_connection_window_is_widened_behind_settings(peer: Peer) -> None:
    """To 1 MiB, of which a request of 1 MiB uses all that its stream's window of 768 KiB has, and no byte more."""
    stream = peer.begin(b"x" * 1024 * 1024)
    assert sum(len(sent.payload) for sent in peer.sent() if sent.kind == frames.DATA) == 786_432
    peer.send(window_frame(stream.number, 1024 * 1024))
    assert sum(len(sent.payload) for sent in peer.sent()) == 1024 * 1024 - 786_432


def test_a_read_of_ten_events_comes_as_one_batch(peer: Peer) -> None:
    """Headers, one DATA frame with all messages, trailers: one receive."""
    stream = peer.begin()
    assert peer.send(peer.answer(1, *[EVENT] * 10)) == [stream]
    assert peer.connection.take(stream) == [EVENT] * 10
    assert stream.ending is not None
    assert stream.ending.is_ok
    assert stream.state is State.CLOSED


def test_messages_span_frames(peer: Peer) -> None:
    """DATA frames of up to 4.4 kB hold as many messages as fit, and parts of others."""
    stream = peer.begin()
    sent = b"".join(map(framed, [EVENT] * 100))
    peer.send(peer.headers(1), *(frame(frames.DATA, 0, 1, sent[at : at + 4400]) for at in range(0, len(sent), 4400)))
    assert peer.connection.take(stream) == [EVENT] * 100


def test_a_plain_ok_ends_a_call_with_its_trailers(peer: Peer) -> None:
    """`grpc-message` is percent-encoded UTF-8; what else there is comes as trailers, binary ones decoded."""
    stream = peer.begin()
    trailers = [
        ("grpc-status", "9"),
        ("grpc-message", "Stream %27f%C3%BCr%27 is at 100% of %zz"),
        ("exception", "wrong-expected-version"),
        ("grpc-status-details-bin", "aGVsbG8"),
        ("other-bin", "YQ==,Yg"),
    ]
    peer.send(peer.headers(1), peer.headers(1, trailers, ends=True))
    assert stream.ending is not None
    assert stream.ending.code == StatusCode.FAILED_PRECONDITION
    assert stream.ending.message == "Stream 'für' is at 100% of %zz"
    assert stream.ending.trailers == (
        ("exception", "wrong-expected-version"),
        ("grpc-status-details-bin", b"hello"),
        ("other-bin", b"a"),
        ("other-bin", b"b"),
    )


def test_a_failure_without_messages_is_one_header_block(peer: Peer) -> None:
    """Trailers only: status 200, a content-length of 0, and the status of the call."""
    stream = peer.begin()
    fields = [*ANSWER, ("content-length", "0"), ("grpc-status", "12"), ("grpc-message", "Service is unimplemented.")]
    peer.send(peer.headers(1, fields, ends=True))
    assert stream.ending is not None
    assert stream.ending.code == StatusCode.UNIMPLEMENTED
    assert stream.ending.message == "Service is unimplemented."


def test_a_wrong_content_type_is_answered_with_both_kinds_of_status(peer: Peer) -> None:
    """Status 415 of HTTP and 13 of gRPC: gRPC's counts."""
    stream = peer.begin()
    fields = [(":status", "415"), ("grpc-status", "13"), ("grpc-message", "Content-Type 'a' is not supported.")]
    peer.send(peer.headers(1, fields, ends=True))
    assert stream.ending is not None
    assert stream.ending.code == StatusCode.INTERNAL
    assert stream.ending.message == "Content-Type 'a' is not supported."


def test_the_end_of_a_deadline_is_a_status_and_then_a_reset(peer: Peer) -> None:
    """The status counts, the reset changes nothing."""
    stream = peer.connection.begin("/a.B/C", timeout=0.3)
    peer.connection.send(stream, b"request", ends=True)
    assert peer.sent()[0].payload.endswith(b"grpc-timeout\x07300000u")
    late = [("grpc-status", "4"), ("grpc-message", "Deadline Exceeded")]
    peer.send(peer.headers(1), data(1, b"before"), peer.headers(1, late, ends=True), reset_frame(1, 8))
    assert peer.connection.take(stream) == [b"before"]
    assert stream.ending is not None
    assert (stream.ending.code, stream.ending.cause) == (StatusCode.DEADLINE_EXCEEDED, Cause.ANSWER)
    assert peer.connection.failure is None


def test_a_call_is_cancelled_by_a_reset(peer: Peer) -> None:
    """RST_STREAM CANCEL goes out once; what still comes is passed over, and another call goes on."""
    stream, other = peer.begin(), peer.begin()
    peer.send(peer.headers(1), data(1, b"first"))
    peer.sent()
    peer.connection.cancel(stream)
    peer.connection.cancel(stream)
    assert peer.sent() == [Frame(frames.RST_STREAM, 0, 1, b"\0\0\0\x08")]
    assert peer.send(data(1, b"late"), peer.answer(3, b"fine")) == [stream, other]
    assert peer.connection.take(stream) == [b"first"]
    assert stream.ending is not None
    assert stream.ending.cause is Cause.HERE
    assert peer.connection.take(other) == [b"fine"]


def test_calls_beyond_the_servers_limit_are_refused_here(peer: Peer) -> None:
    """The 101st is not sent, and there is room again when one has ended."""
    streams = [peer.begin() for _ in range(100)]
    peer.sent()
    assert not peer.connection.has_room
    assert peer.connection.takes_calls
    beyond = peer.begin()
    assert beyond.ending is not None
    assert beyond.ending.cause is Cause.REFUSED
    assert peer.sent() == []
    peer.send(peer.answer(streams[50].number, b"x"))
    assert peer.begin().ending is None


def test_a_refused_stream_was_not_executed(peer: Peer) -> None:
    """It is safe to repeat; the connection stays."""
    stream = peer.begin()
    peer.send(reset_frame(1, ErrorCode.REFUSED_STREAM))
    assert stream.ending is not None
    assert (stream.ending.code, stream.ending.cause) == (StatusCode.UNAVAILABLE, Cause.REFUSED)
    assert peer.connection.has_room


def test_an_answer_before_the_request_was_sent_whole_counts(peer: Peer) -> None:
    """A message above the server's limit is refused while it is sent: the rest of it is given up."""
    stream = peer.begin(b"x" * 4_000_000)
    assert stream.unsent
    fields = [*ANSWER, ("grpc-status", "8"), ("grpc-message", "Received message exceeds the maximum")]
    peer.sent()
    peer.send(peer.headers(1, fields, ends=True), reset_frame(1, 0), window_frame(1, 4_000_000))
    assert stream.ending is not None
    assert stream.ending.code == StatusCode.RESOURCE_EXHAUSTED
    assert not stream.unsent
    assert [sent.kind for sent in peer.sent()] == [frames.RST_STREAM]


def test_no_message_is_said_to_be_compressed(peer: Peer) -> None:
    """A server would take it for one, and end the call with status 2."""
    peer.begin(b"x" * 100_000)
    sent = b"".join(one.payload for one in peer.sent() if one.kind == frames.DATA)
    assert sent == b"\0" + (100_000).to_bytes(4, "big") + b"x" * 100_000


def test_a_ping_of_the_server_is_answered(peer: Peer) -> None:
    """Eight zero bytes after 11 s of silence; without an answer it would close the connection."""
    peer.send(frame(frames.PING, payload=bytes(8)))
    assert peer.sent() == [Frame(frames.PING, 1, 0, bytes(8))]


def test_our_ping_is_answered_at_once(peer: Peer) -> None:
    """Each is told from the others."""
    first, second = peer.connection.ping(), peer.connection.ping()
    assert [sent.payload for sent in peer.sent()] == [first, second]
    peer.send(frame(frames.PING, 1, payload=second))
    assert peer.connection.take_pongs() == [second]
    peer.send(frame(frames.PING, 1, payload=second), frame(frames.PING, 1, payload=first))
    assert peer.connection.take_pongs() == [first]


def test_a_shutdown_begins_with_a_goaway_for_no_stream(peer: Peer) -> None:
    """Last stream 2,147,483,647 and NO_ERROR: nothing new begins, what is open goes on, then the socket is reset."""
    subscription, read = peer.begin(), peer.begin()
    assert peer.send(goaway_frame(2**31 - 1, 0)) == []
    assert peer.connection.goodbye is not None
    assert peer.connection.goodbye.code == ErrorCode.NO_ERROR
    assert not peer.connection.takes_calls
    refused = peer.begin()
    assert refused.ending is not None
    assert refused.ending.cause is Cause.LEAVING
    peer.send(peer.answer(read.number, b"fine"))
    assert peer.connection.take(read) == [b"fine"]
    assert peer.connection.lose("reset by peer") == [subscription]
    assert subscription.ending is not None
    assert (subscription.ending.cause, subscription.ending.message) == (Cause.LOST, "reset by peer")


def test_what_lies_above_the_last_stream_was_not_executed(peer: Peer) -> None:
    """The others are answered, or lost."""
    below, above = peer.begin(), peer.begin()
    assert peer.send(goaway_frame(1, 0)) == [above]
    assert above.ending is not None
    assert above.ending.cause is Cause.LEAVING
    assert below.ending is None


def test_an_idle_connection_is_told_to_go(peer: Peer) -> None:
    """GOAWAY (0, NO_ERROR), and the end."""
    peer.send(goaway_frame(0, 0))
    assert not peer.connection.takes_calls
    assert peer.connection.failure is None
    assert peer.connection.lose("closed by the server") == []
    assert peer.connection.failure is not None


def test_a_goaway_says_what_we_did(peer: Peer) -> None:
    """Its text, too, if there is one."""
    peer.begin()
    peer.send(goaway_frame(1, ErrorCode.ENHANCE_YOUR_CALM, b"too_many_pings"))
    assert peer.connection.goodbye is not None
    assert peer.connection.goodbye.code != ErrorCode.NO_ERROR
    assert peer.connection.goodbye.text == "too_many_pings"


def test_a_close_of_ours_says_goodbye(peer: Peer) -> None:
    """Once; the calls that are open end."""
    stream = peer.begin()
    peer.sent()
    assert peer.connection.close() == [stream]
    assert peer.connection.close() == []
    assert peer.sent() == [Frame(frames.GOAWAY, 0, 0, bytes(8))]


@pytest.mark.parametrize("size", [1, 9, 100])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "the server speaks HTTP/1"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "the server speaks SSH"),
        (b"220 mail.example ESMTP\r\n", "the server does not speak HTTP/2"),
    ],
)
def test_a_server_that_speaks_something_else_is_known_by_it(said: bytes, reason: str, size: int) -> None:
    """What a web server says to the preface, and others without being asked."""
    connection = Connection(Origin("http", "localhost:2113"))
    for at in range(0, len(said), size):
        connection.receive(said[at : at + size])
    assert connection.failure is not None
    assert connection.failure.reason.startswith(reason)


def test_a_connection_carries_one_call_after_the_other(peer: Peer) -> None:
    """Nothing is left of those that have ended."""
    for number in range(1, 2001, 2):
        stream = peer.begin()
        peer.send(peer.headers(number), data(number, b"x"), peer.headers(number, OK, ends=True))
        assert peer.connection.take(stream) == [b"x"]
    assert peer.connection.streams == 0
