"""Flow control, both ways: what a slow reader costs, and what a slow server does to requests."""

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.codes import ErrorCode
from fastapi_esdb.connection.http2.frames import frame, settings_frame, window_frame
from fastapi_esdb.connection.http2.limits import DEFAULT_WINDOW, Limits
from fastapi_esdb.connection.http2.messages import framed
from tests.connection.http2.peers import OK, Frame, Peer, data

SMALL = Limits(stream_window=1000, connection_window=100_000)
NO_LIMITS: list[tuple[int, int]] = []


def updates(sent: list[Frame]) -> dict[int, int]:
    """By how much windows were widened: those of streams, and 0 for the connection."""
    found: dict[int, int] = {}
    for one in sent:
        if one.kind == frames.WINDOW_UPDATE:
            found[one.stream] = found.get(one.stream, 0) + int.from_bytes(one.payload, "big")
    return found


def sizes(sent: list[Frame]) -> list[tuple[int, int]]:
    """Stream and size of the DATA frames."""
    return [(one.stream, len(one.payload)) for one in sent if one.kind == frames.DATA]


def test_a_stream_is_widened_as_its_reader_takes_messages() -> None:
    """Not as they come: what nobody takes stays at the server."""
    peer = Peer(SMALL)
    stream = peer.begin()
    peer.sent()
    peer.send(peer.headers(1), data(1, b"x" * 895), data(1, b"y" * 95))
    assert updates(peer.sent()) == {}
    assert [len(message) for message in peer.connection.take(stream)] == [895, 95]
    assert updates(peer.sent()) == {1: 1000}


def test_a_slow_reader_blocks_nobody_else() -> None:
    """The window of the connection is widened as data comes, whoever it is for."""
    peer = Peer(SMALL)
    slow, fast = peer.begin(), peer.begin()
    peer.send(peer.headers(1), data(1, b"x" * 995), peer.headers(3))
    widened = 0
    for _ in range(200):
        peer.send(data(3, b"y" * 995))
        assert len(peer.connection.take(fast)) == 1
        found = updates(peer.sent())
        assert found[3] == 1000
        assert slow.number not in found
        widened += found.get(0, 0)
    assert widened >= 100_000
    assert peer.connection.failure is None


def test_more_than_a_window_ends_the_connection() -> None:
    """A slow reader costs a window of memory, and never more."""
    peer = Peer(SMALL)
    peer.begin()
    peer.send(peer.headers(1), data(1, b"x" * 995))
    assert peer.connection.failure is None
    peer.send(frame(frames.DATA, 0, 1, b"\0"))
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is ErrorCode.FLOW_CONTROL_ERROR


def test_padding_counts_for_windows() -> None:
    """All of the payload does (RFC 9113, 6.9.1)."""
    peer = Peer(SMALL)
    peer.begin()
    padded = frame(frames.DATA, frames.PADDED, 1, bytes([250]) + bytes(250))
    peer.send(peer.headers(1), *[padded] * 3)
    assert updates(peer.sent()).get(1, 0) == 502
    assert peer.connection.failure is None


def test_a_message_may_be_larger_than_the_window() -> None:
    """While its reader waits for the rest of it, more may come."""
    peer = Peer(SMALL)
    stream = peer.begin()
    peer.send(peer.headers(1))
    peer.sent()
    sent = framed(b"x" * 50_000)
    room = 1000
    while sent:
        assert room
        peer.send(frame(frames.DATA, 0, 1, sent[:room]))
        sent, room = sent[room:], updates(peer.sent()).get(1, 0)
    assert peer.connection.take(stream) == [b"x" * 50_000]


def test_data_for_a_cancelled_call_gives_the_connection_its_window_back() -> None:
    """Or a few cancelled reads would stop all others."""
    peer = Peer(Limits(connection_window=DEFAULT_WINDOW))
    stream = peer.begin()
    peer.connection.cancel(stream)
    peer.sent()
    for _ in range(20):
        peer.send(data(1, b"x" * 10_000))
    assert peer.connection.failure is None
    assert updates(peer.sent())[0] >= 150_000


def test_too_much_for_the_connection_ends_it() -> None:
    """Also if no stream has more than its own window."""
    peer = Peer(Limits(stream_window=100_000, connection_window=DEFAULT_WINDOW))
    for number in (1, 3, 5, 7):
        peer.begin()
        peer.send(peer.headers(number))
    peer.connection._low = -1  # so that it is never widened
    for number in (1, 3, 5, 7):
        peer.send(data(number, b"x" * 16_000), frame(frames.DATA, 0, number, b"\0\0\0\0"))
    assert peer.connection.failure is None
    peer.send(data(1, b"x" * 2000))
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is ErrorCode.FLOW_CONTROL_ERROR


def test_a_request_waits_for_windows() -> None:
    """First its stream's, then the connection's; its end comes with its last byte."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 10)])
    stream = peer.begin(b"x" * 95)
    assert sizes(peer.sent()) == [(1, 10)]
    assert len(stream.unsent) == 90
    assert peer.send(window_frame(1, 89)) == []
    assert sizes(peer.sent()) == [(1, 89)]
    assert peer.send(window_frame(1, 1)) == [stream]
    last = peer.sent()
    assert sizes(last) == [(1, 1)]
    assert last[0].flags == frames.END_STREAM
    assert not stream.unsent


def test_the_end_of_a_request_needs_no_window() -> None:
    """An empty frame always fits, even into a window below 0."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 12)])
    stream = peer.begin(b"request", ends=False)
    peer.sent()
    peer.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 0)]))
    assert stream.write_window == -12
    peer.sent()
    peer.connection.end(stream)
    assert peer.sent() == [Frame(frames.DATA, frames.END_STREAM, 1, b"")]


def test_settings_change_the_windows_of_open_streams() -> None:
    """Less than nothing, first; what is sent then waits until there is more than nothing again (RFC 9113, 6.9.2)."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 105)])
    stream = peer.begin(b"x" * 100, ends=False)
    peer.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 50)]))
    peer.sent()
    peer.connection.send(stream, b"y" * 5)
    assert sizes(peer.sent()) == []
    peer.send(window_frame(1, 55))
    assert sizes(peer.sent()) == []
    assert peer.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 60)])) == [stream]
    assert sizes(peer.sent()) == [(1, 10)]


def test_settings_are_acknowledged_before_what_they_let_through() -> None:
    """A server counts by its new window from the acknowledgement on: gRPC's resets a stream whose data comes before."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 10)])
    peer.begin(b"x" * 95)
    peer.sent()
    peer.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 1000)]))
    acknowledgement, rest = peer.sent()
    assert (acknowledgement.kind, acknowledgement.flags) == (frames.SETTINGS, frames.ACK)
    assert sizes([rest]) == [(1, 90)]


def test_requests_share_the_window_of_the_connection() -> None:
    """A frame of each in turn: a large one holds up no other."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 2**31 - 1)])
    large = peer.begin(b"x" * 4_000_000)
    small = peer.begin(b"y" * 10_000)
    peer.sent()
    assert peer.send(window_frame(0, 40_000)) == [small]
    assert {stream for stream, _ in sizes(peer.sent())} == {1, 3}
    assert large.unsent


def test_frames_are_as_large_as_the_server_takes_them() -> None:
    """16,384 bytes unless its SETTINGS say more."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 60_000)])
    peer.begin(b"x" * 40_000)
    assert sizes(peer.sent()) == [(1, 16_384), (1, 16_384), (1, 40_005 - 32_768)]
    peer.send(settings_frame([(frames.MAX_FRAME_SIZE, 20_000)]))
    peer.begin(b"x" * 19_995)
    assert sizes(peer.sent()) == [(3, 20_000)]


def test_a_cancelled_request_sends_nothing_more() -> None:
    """Whatever its window grows to."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 10)])
    stream = peer.begin(b"x" * 100)
    peer.connection.cancel(stream)
    peer.sent()
    peer.send(window_frame(1, 1000), window_frame(0, 1000), settings_frame([(frames.INITIAL_WINDOW_SIZE, 10_000)]))
    peer.connection.send(stream, b"more")
    peer.connection.end(stream)
    assert sizes(peer.sent()) == []


def test_requests_wait_here_while_the_network_takes_nothing() -> None:
    """They would not leave any earlier, and what a call that has ended would have sent is dropped."""
    peer = Peer(settings=[(frames.INITIAL_WINDOW_SIZE, 2**31 - 1)])
    peer.connection.hold()
    one, other, third = peer.begin(b"x" * 100), peer.begin(b"y" * 100), peer.begin(b"z" * 100)
    assert [sent.kind for sent in peer.sent()] == [frames.HEADERS] * 3
    assert peer.send(window_frame(0, 1000)) == []
    peer.connection.cancel(other)
    peer.sent()
    assert {*peer.connection.release()} == {one, other, third}
    assert sizes(peer.sent()) == [(1, 105), (5, 105)]
    peer.begin(b"w" * 100)
    assert sizes(peer.sent()) == [(7, 105)]


def test_headers_that_are_too_large_for_the_server_are_not_sent() -> None:
    """It has said how large they may be."""
    peer = Peer(settings=[(frames.MAX_HEADER_LIST_SIZE, 2000)])
    stream = peer.connection.begin("/a.B/C", (("stream", "x" * 2000),))
    assert stream.ending is not None
    assert "2000" in stream.ending.message
    assert peer.sent() == []
    assert peer.begin().ending is None


def test_headers_are_continued_beyond_a_frame() -> None:
    """As large as the server's frames are."""
    peer = Peer(settings=NO_LIMITS)
    peer.connection.begin("/a.B/C", (("stream", "x" * 40_000),))
    assert [one.kind for one in peer.sent()] == [frames.HEADERS, frames.CONTINUATION, frames.CONTINUATION]


@pytest.mark.parametrize("count", [1, 3])
def test_messages_follow_each_other_in_a_call(count: int) -> None:
    """Until its end, after which nothing is sent."""
    peer = Peer()
    stream = peer.begin(ends=False)
    peer.sent()
    for number in range(count):
        peer.connection.send(stream, b"m%d" % number)
    peer.connection.end(stream)
    peer.connection.end(stream)
    peer.connection.send(stream, b"late")
    sent = peer.sent()
    assert [one.payload for one in sent] == [*(framed(b"m%d" % number) for number in range(count)), b""]
    assert sent[-1].flags == frames.END_STREAM
    peer.send(peer.headers(1), peer.headers(1, OK, ends=True))
    assert [one.kind for one in peer.sent()] == []
