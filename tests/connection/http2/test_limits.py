"""What a hostile server can make us do: each flood ends, and nothing grows without a bound."""

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.codes import ErrorCode
from fastapi_esdb.connection.http2.frames import frame, reset_frame, settings_frame, window_frame
from fastapi_esdb.connection.http2.limits import LIMITS, Limits
from fastapi_esdb.connection.http2.messages import framed
from fastapi_esdb.connection.http2.statuses import Cause
from fastapi_esdb.wire.status.codes import StatusCode
from tests.connection.http2.peers import ANSWER, OK, Peer

H, D = frames.HEADERS, frames.DATA
NONE = frames.SETTINGS

FLOODS = {
    "SETTINGS": (frame(frames.SETTINGS), LIMITS.settings),
    "PING": (frame(frames.PING, payload=bytes(8)), LIMITS.pings),
    "answers to PINGs never sent": (frame(frames.PING, 1, payload=bytes(8)), LIMITS.idle_frames),
    "acknowledgements": (frame(frames.SETTINGS, 1), LIMITS.idle_frames),
    "empty DATA": (frame(D, 0, 1), LIMITS.idle_frames),
    "DATA that is all padding": (frame(D, 8, 1, b"\1\0"), LIMITS.idle_frames),
    "PRIORITY": (frame(frames.PRIORITY, 0, 1, bytes(5)), LIMITS.idle_frames),
    "unknown frames": (frame(77), LIMITS.idle_frames),
    "frames for streams that have ended": (frame(D, 0, 3), LIMITS.idle_frames),
    "RST_STREAM": (reset_frame(3, 8), LIMITS.endings),
    "GOAWAY": (frames.goaway_frame(99, 0), LIMITS.idle_frames),
    "WINDOW_UPDATE": (window_frame(1, 1), LIMITS.window_updates),
}


def begun() -> Peer:
    """Stream 1 is being answered, stream 3 was cancelled."""
    peer = Peer()
    peer.begin()
    peer.connection.cancel(peer.begin())
    peer.send(peer.headers(1))
    return peer


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_the_connection(name: str) -> None:
    """As many as the limit in ten seconds are taken, twice as many are not."""
    one, most = FLOODS[name]
    peer = begun()
    peer.send(one * (most // 2))
    assert peer.connection.failure is None
    peer.send(one * (most * 2))
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is ErrorCode.ENHANCE_YOUR_CALM
    assert len(peer.connection.take_outgoing()) < 100_000


@pytest.mark.parametrize("name", FLOODS)
def test_what_comes_now_and_then_is_no_flood(name: str) -> None:
    """A connection lives for months, and its server sends a PING each 11 s."""
    one, most = FLOODS[name]
    peer = begun()
    for _ in range(5):
        peer.send(one * (most // 2))
        peer.clock.now += 11
        peer.connection.take_outgoing()
    assert peer.connection.failure is None


def test_a_server_that_takes_what_we_send_may_say_so() -> None:
    """gRPC's own one widens a window for each append, however many there are; beyond that it is a flood."""
    peer = Peer(Limits(window_updates=10))
    stream = peer.begin(ends=False)
    for _ in range(1000):
        peer.connection.send(stream, b"one more")
        peer.send(window_frame(0, 13), window_frame(1, 13))
    assert peer.connection.failure is None
    peer.send(window_frame(0, 1) * 4000)
    assert peer.connection.failure is not None


def test_a_header_block_has_a_bounded_number_of_parts() -> None:
    """Also if they are empty."""
    peer = Peer()
    peer.begin()
    peer.send(frame(H, 0, 1), frame(frames.CONTINUATION, 0, 1) * LIMITS.continuations)
    assert peer.connection.failure is None
    peer.send(frame(frames.CONTINUATION, 0, 1))
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is ErrorCode.ENHANCE_YOUR_CALM


def test_a_header_block_has_a_bounded_size() -> None:
    """Before it is decoded."""
    peer = Peer()
    peer.begin()
    peer.send(frame(H, 0, 1, b"\x88" * 16_000), frame(frames.CONTINUATION, 0, 1, b"\x88" * 16_000) * 10)
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is ErrorCode.ENHANCE_YOUR_CALM


def test_a_header_list_has_a_bounded_size() -> None:
    """After it was decoded: one byte can stand for a field of 42."""
    peer = Peer()
    peer.begin()
    peer.send(frame(H, 4, 1, b"\x20" + b"\x88" * 16_000))
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is ErrorCode.ENHANCE_YOUR_CALM


def test_a_long_status_is_taken() -> None:
    """Errors name streams, and those may have long names."""
    peer = Peer()
    stream = peer.begin()
    peer.send(peer.headers(1), peer.headers(1, [*OK, ("stream-name", "x" * 60_000)], ends=True))
    assert stream.ending is not None
    assert dict(stream.ending.trailers)["stream-name"] == "x" * 60_000


def test_the_cost_of_a_hostile_block_is_bounded() -> None:
    """As many tiny fields as a list may have: the connection ends soon, not after minutes."""
    peer = Peer()
    peer.begin()
    block = b"\x20" + b"\x00\x01a\x00" * 32_000
    parts = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
    peer.send(frame(H, 0, 1, parts[0]), *(frame(frames.CONTINUATION, 0, 1, part) for part in parts[1:]))
    peer.send(frame(frames.CONTINUATION, 4, 1))
    assert peer.connection.failure is not None


def test_what_was_under_way_when_its_reader_left_is_no_flood() -> None:
    """A server fills the window that a stream has, in frames as small as its messages, before it hears of the reset."""
    peer = Peer(Limits(stream_window=10_000, idle_frames=10))
    one = frame(D, 0, 1, b"x" * 100)
    stream = peer.begin()
    peer.send(peer.headers(1), one)
    peer.connection.cancel(stream)
    peer.send(one * 99)
    assert peer.connection.failure is None
    peer.send(one * 5)
    assert peer.connection.failure is None
    peer.send(one * 10)
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is ErrorCode.ENHANCE_YOUR_CALM


def test_interim_answers_are_bounded() -> None:
    """No call needs many."""
    peer = Peer()
    peer.begin()
    one = peer.headers(1, [(":status", "103")])
    peer.send(one * LIMITS.early_headers)
    assert peer.connection.failure is None
    peer.send(one)
    assert peer.connection.failure is not None


def test_a_message_has_a_bounded_size() -> None:
    """Its call ends before anything of it is kept; the others go on."""
    peer = Peer(Limits(message=1000))
    stream, other = peer.begin(), peer.begin()
    peer.send(peer.headers(1), frame(D, 0, 1, framed(b"x" * 1001)[:10]))
    assert stream.ending is not None
    assert (stream.ending.code, stream.ending.cause) == (StatusCode.RESOURCE_EXHAUSTED, Cause.UNREADABLE)
    assert "larger than max" in stream.ending.message
    peer.send(peer.answer(3, b"x" * 1000))
    assert peer.connection.take(other) == [b"x" * 1000]


def test_our_own_calls_are_bounded() -> None:
    """Even if the server would take billions."""
    peer = Peer(Limits(streams=5), settings=[])
    streams = [peer.begin() for _ in range(6)]
    assert [stream.ending is None for stream in streams] == [True] * 5 + [False]
    assert peer.connection.most_streams == 5


def test_what_is_kept_of_cancelled_calls_is_bounded() -> None:
    """A number for each of the last ones; frames of older ones are not under way any more."""
    peer = Peer(Limits(closed_streams=10))
    for _ in range(100):
        peer.connection.cancel(peer.begin())
    assert len(peer.connection._table._reset) == 10
    peer.send(peer.headers(199), peer.headers(199, OK, ends=True))
    assert peer.connection.failure is None
    peer.send(peer.headers(1))
    assert peer.connection.failure is not None


def test_a_server_that_takes_no_calls_is_waited_for() -> None:
    """MAX_CONCURRENT_STREAMS 0 is allowed, for a while."""
    peer = Peer(settings=[(frames.MAX_CONCURRENT_STREAMS, 0)])
    assert not peer.connection.has_room
    assert peer.connection.takes_calls
    peer.send(settings_frame([(frames.MAX_CONCURRENT_STREAMS, 1)]))
    stream = peer.begin()
    peer.send(peer.headers(1, ANSWER))
    assert stream.headers or stream.ending
