"""RFC 9113's rules for a client, as a table: what the server sends, and what becomes of the connection and the call.

In each case stream 1 is open with its request sent whole, stream 3 is open with its request unfinished, stream 5 was
cancelled, and stream 7 was answered.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.codes import ErrorCode
from fastapi_esdb.connection.http2.connection import Connection
from fastapi_esdb.connection.http2.frames import frame, goaway_frame, reset_frame, settings_frame, window_frame
from fastapi_esdb.connection.http2.headers import Origin
from fastapi_esdb.connection.http2.statuses import Cause
from fastapi_esdb.connection.http2.streams import State, Stream
from fastapi_esdb.wire.status.codes import StatusCode
from tests.connection.http2.peers import ANSWER, OK, Frame, Peer, data

PROTOCOL, SIZE, FLOW = ErrorCode.PROTOCOL_ERROR, ErrorCode.FRAME_SIZE_ERROR, ErrorCode.FLOW_CONTROL_ERROR
CLOSED, COMPRESSION = ErrorCode.STREAM_CLOSED, ErrorCode.COMPRESSION_ERROR
H, D, S, P = frames.HEADERS, frames.DATA, frames.SETTINGS, frames.PING
END, WHOLE = frames.END_STREAM, frames.END_HEADERS


@dataclass
class Scene:
    """The connection that each case begins with."""

    peer: Peer
    streams: list[Stream]


@pytest.fixture
def scene() -> Scene:
    peer = Peer()
    streams = [peer.begin(), peer.begin(ends=False), peer.begin(), peer.begin()]
    peer.connection.cancel(streams[2])
    peer.send(peer.answer(7, b"done"))
    peer.sent()
    return Scene(peer, streams)


Bytes = bytes | Callable[[Peer], bytes]


def said(peer: Peer, sent: Bytes) -> bytes:
    """What is sent; header blocks are made by the peer, whose encoder remembers what it has said."""
    return sent if isinstance(sent, bytes) else sent(peer)


ENDS_THE_CONNECTION: dict[str, tuple[str, Bytes, ErrorCode]] = {
    "a frame above our limit": ("4.2", frame(D, 0, 1, b"x" * 16_385), SIZE),
    "an unknown frame above our limit": ("4.2", frame(77, 0, 1, b"x" * 16_385), SIZE),
    "a block that can't be decoded": ("4.3", frame(H, WHOLE, 1, b"\x80"), COMPRESSION),
    "a frame within a block": ("4.3", frame(H, 0, 1) + frame(P, 0, 0, b"x" * 8), PROTOCOL),
    "an unknown frame within a block": ("5.5", frame(H, 0, 1) + frame(77, 0, 1), PROTOCOL),
    "a block within a block": ("6.10", frame(H, 0, 1) + frame(H, WHOLE, 3), PROTOCOL),
    "another stream's CONTINUATION": ("6.10", frame(H, 0, 1) + frame(9, WHOLE, 3), PROTOCOL),
    "CONTINUATION of nothing": ("6.10", frame(9, WHOLE, 1), PROTOCOL),
    "CONTINUATION after its block": ("6.10", lambda p: p.headers(1) + frame(9, WHOLE, 1), PROTOCOL),
    "HEADERS on stream 0": ("6.2", lambda p: p.headers(0), PROTOCOL),
    "HEADERS on an idle stream": ("5.1", lambda p: p.headers(9), PROTOCOL),
    "HEADERS on a stream of the server's": ("5.1.1", lambda p: p.headers(2), PROTOCOL),
    "HEADERS after the end": ("5.1", lambda p: p.headers(7), CLOSED),
    "HEADERS with a wrong padding": ("6.2", frame(H, WHOLE | 8, 1, b"\x05abc"), PROTOCOL),
    "HEADERS too short for a priority": ("6.2", frame(H, WHOLE | 32, 1, b"abc"), SIZE),
    "DATA on stream 0": ("6.1", data(0, b"x"), PROTOCOL),
    "DATA on an idle stream": ("5.1", data(9, b"x"), PROTOCOL),
    "DATA on a stream of the server's": ("5.1.1", data(2, b"x"), PROTOCOL),
    "DATA after the end": ("5.1", data(7, b"x"), CLOSED),
    "DATA with a wrong padding": ("6.1", lambda p: p.headers(1) + frame(D, 8, 1, b"\x04abc"), PROTOCOL),
    "PRIORITY on stream 0": ("6.3", frame(2, 0, 0, b"x" * 5), PROTOCOL),
    "PRIORITY of another size": ("6.3", frame(2, 0, 1, b"x" * 4), SIZE),
    "RST_STREAM on stream 0": ("6.4", reset_frame(0, 8), PROTOCOL),
    "RST_STREAM on an idle stream": ("6.4", reset_frame(9, 8), PROTOCOL),
    "RST_STREAM of another size": ("6.4", frame(3, 0, 1, b"abc"), SIZE),
    "SETTINGS on a stream": ("6.5", frame(S, 0, 1), PROTOCOL),
    "SETTINGS of half a value": ("6.5", frame(S, 0, 0, b"x" * 7), SIZE),
    "an acknowledgement with values": ("6.5", frame(S, 1, 0, b"x" * 6), SIZE),
    "push switched on": ("6.5.2", settings_frame([(2, 1)]), PROTOCOL),
    "a push setting that is no flag": ("6.5.2", settings_frame([(2, 2)]), PROTOCOL),
    "an initial window beyond windows": ("6.5.2", settings_frame([(4, 2**31)]), FLOW),
    "frames of less than 16,384": ("6.5.2", settings_frame([(5, 16_383)]), PROTOCOL),
    "frames of more than 24 bits": ("6.5.2", settings_frame([(5, 2**24)]), PROTOCOL),
    "PUSH_PROMISE": ("6.6", frame(5, WHOLE, 1, b"\0\0\0\2"), PROTOCOL),
    "PING on a stream": ("6.7", frame(P, 0, 1, b"x" * 8), PROTOCOL),
    "PING of another size": ("6.7", frame(P, 0, 0, b"x" * 7), SIZE),
    "GOAWAY on a stream": ("6.8", frame(7, 0, 1, b"\0" * 8), PROTOCOL),
    "GOAWAY without a code": ("6.8", frame(7, 0, 0, b"\0" * 4), SIZE),
    "GOAWAY that takes another back": ("6.8", goaway_frame(3, 0) + goaway_frame(5, 0), PROTOCOL),
    "WINDOW_UPDATE of another size": ("6.9", frame(8, 0, 0, b"abc"), SIZE),
    "WINDOW_UPDATE 0 of the connection": ("6.9", window_frame(0, 0), PROTOCOL),
    "WINDOW_UPDATE on an idle stream": ("5.1", window_frame(9, 1), PROTOCOL),
    "a window of the connection that overflows": ("6.9.1", window_frame(0, 2**31 - 1), FLOW),
    "windows that overflow by SETTINGS": (
        "6.9.2",
        window_frame(3, 2**31 - 1 - 786_432 + 12) + settings_frame([(4, 786_433)]),
        FLOW,
    ),
}


@pytest.mark.parametrize("name", ENDS_THE_CONNECTION)
def test_a_violation_ends_the_connection(scene: Scene, name: str) -> None:
    """A GOAWAY with the right code goes out last, every open call ends, and nothing begins any more."""
    _, sent, code = ENDS_THE_CONNECTION[name]
    scene.peer.send(said(scene.peer, sent))
    connection = scene.peer.connection
    assert connection.failure is not None
    assert connection.failure.code is code
    assert scene.peer.sent()[-1] == Frame(frames.GOAWAY, 0, 0, b"\0\0\0\0" + code.to_bytes(4, "big"))
    for stream in scene.streams[:2]:
        assert stream.ending is not None
        assert stream.ending.cause is Cause.LOST
        assert stream.state is State.CLOSED
    assert not connection.takes_calls
    assert connection.receive(scene.peer.answer(1, b"late")) == []
    assert not connection.outgoing


ENDS_THE_CALL: dict[str, tuple[str, Bytes, ErrorCode]] = {
    "a stream's WINDOW_UPDATE 0": ("6.9", window_frame(1, 0), PROTOCOL),
    "a stream's window that overflows": ("6.9.1", window_frame(1, 2**31 - 1), FLOW),
    "no :status": ("8.3.2", lambda p: p.headers(1, [("a", "b")]), PROTOCOL),
    "a request": ("8.3", lambda p: p.headers(1, [(":method", "GET"), (":path", "/")]), PROTOCOL),
    "two statuses": ("8.3", lambda p: p.headers(1, [(":status", "200")] * 2), PROTOCOL),
    ":status behind others": ("8.3", lambda p: p.headers(1, [("a", "b"), (":status", "200")]), PROTOCOL),
    "capital letters": ("8.2.1", lambda p: p.headers(1, [*ANSWER, ("Date", "x")]), PROTOCOL),
    "a line break in a value": ("8.2.1", lambda p: p.headers(1, [*ANSWER, ("date", "x\ny")]), PROTOCOL),
    "a field of one connection": ("8.2.2", lambda p: p.headers(1, [*ANSWER, ("connection", "close")]), PROTOCOL),
    "DATA before HEADERS": ("8.1", data(1, b"x"), PROTOCOL),
    "an end before HEADERS": ("8.1", frame(D, END, 1), PROTOCOL),
    "an interim answer that ends": ("8.1", lambda p: p.headers(1, [(":status", "103")], ends=True), PROTOCOL),
    "101": ("8.6", lambda p: p.headers(1, [(":status", "101")]), PROTOCOL),
    "trailers that do not end": ("8.1", lambda p: p.headers(1) + p.headers(1, OK), PROTOCOL),
    "a status in trailers": ("8.1", lambda p: p.headers(1) + p.headers(1, ANSWER, ends=True), PROTOCOL),
    "less data than its length": (
        "8.1.1",
        lambda p: p.headers(1, [*ANSWER, ("content-length", "9")]) + data(1, b"abc") + p.headers(1, OK, ends=True),
        PROTOCOL,
    ),
    "trailers alone that have a length": (
        "8.1.1",
        lambda p: p.headers(1, [*ANSWER, *OK, ("content-length", "9")], ends=True),
        PROTOCOL,
    ),
}


@pytest.mark.parametrize("name", ENDS_THE_CALL)
def test_a_malformed_answer_ends_its_call_alone(scene: Scene, name: str) -> None:
    """Its stream is reset with the right code, and the other calls go on."""
    _, sent, code = ENDS_THE_CALL[name]
    assert scene.streams[0] in scene.peer.send(said(scene.peer, sent))
    ending = scene.streams[0].ending
    assert ending is not None
    assert (ending.code, ending.cause) == (StatusCode.INTERNAL, Cause.UNREADABLE)
    assert scene.peer.sent()[-1] == Frame(frames.RST_STREAM, 0, 1, code.to_bytes(4, "big"))
    scene.peer.send(scene.peer.answer(3, b"fine"))
    assert scene.peer.connection.take(scene.streams[1]) == [b"fine"]
    assert scene.peer.connection.failure is None


IS_TAKEN: dict[str, tuple[str, Bytes]] = {
    "an unknown frame": ("4.1", frame(77, 255, 12345, b"abc")),
    "an unknown setting": ("6.5.2", settings_frame([(0x9999, 2**32 - 1)])),
    "undefined flags": ("4.1", frame(P, 0xFE, 0, b"x" * 8)),
    "PRIORITY on any stream": ("5.1", frame(2, 0, 1, b"x" * 5) + frame(2, 0, 99, b"x" * 5)),
    "an acknowledgement too many": ("6.5.3", frame(S, 1)),
    "the answer to a PING never sent": ("6.7", frame(P, 1, 0, b"x" * 8)),
    "RST_STREAM after the end": ("5.1", reset_frame(7, 0) + reset_frame(5, 8)),
    "WINDOW_UPDATE after the end": ("5.1", window_frame(7, 100) + window_frame(5, 100)),
    "WINDOW_UPDATE with its reserved bit": ("6.9", window_frame(0, 2**31 + 1)),
    "an answer to a cancelled call": ("5.1", lambda p: p.answer(5, b"late")),
    "empty DATA": ("6.1", lambda p: p.headers(3) + frame(D, 0, 3)),
    "an interim answer": ("8.1", lambda p: p.headers(1, [(":status", "103"), ("link", "x")])),
    "a priority in HEADERS": ("6.2", lambda p: frame(H, WHOLE | 32, 3, b"\0\0\0\1\x10" + p.block(ANSWER))),
    "padded HEADERS": ("6.2", lambda p: frame(H, WHOLE | 8, 3, b"\2" + p.block(ANSWER) + b"\0\0")),
    "padded DATA": ("6.1", lambda p: p.headers(3) + frame(D, 8, 3, b"\4" + b"\0\0\0\0\3abc" + b"\0" * 4)),
    "a block in pieces": (
        "6.10",
        lambda p: (block := p.block(ANSWER)) and frame(H, 0, 3, block[:5]) + frame(9, 0, 3) + frame(9, 4, 3, block[5:]),
    ),
    "a table size that is announced twice": ("4.3.1", lambda p: frame(H, WHOLE, 3, b"\x20\x20" + p.block(ANSWER))),
}


@pytest.mark.parametrize("name", IS_TAKEN)
def test_what_is_allowed_harms_nothing(scene: Scene, name: str) -> None:
    """The call beside it is answered as ever."""
    _, sent = IS_TAKEN[name]
    scene.peer.send(said(scene.peer, sent))
    scene.peer.send(scene.peer.answer(1, b"fine"))
    assert scene.peer.connection.failure is None
    assert scene.peer.connection.take(scene.streams[0]) == [b"fine"]
    assert scene.streams[0].ending is not None
    assert scene.streams[0].ending.is_ok
    assert scene.streams[1].ending is None


@pytest.mark.parametrize(
    "first",
    [frame(P, 0, 0, b"x" * 8), frame(S, 1), frame(H, WHOLE, 1), window_frame(0, 1), goaway_frame(0, 0), frame(77)],
    ids=["PING", "an acknowledgement", "HEADERS", "WINDOW_UPDATE", "GOAWAY", "unknown"],
)
def test_a_server_begins_with_settings(first: bytes) -> None:
    """Whatever begins otherwise is no HTTP/2 server (RFC 9113, 3.4)."""
    connection = Connection(Origin("http", "localhost:2113"))
    connection.receive(first)
    assert connection.failure is not None
    assert connection.failure.code is PROTOCOL
    assert "does not speak HTTP/2" in connection.failure.reason


def test_a_table_that_was_made_smaller_without_a_word_is_taken_for_small() -> None:
    """gRPC's own servers do not say what RFC 9113, 4.3.1 asks them for, but keep to it."""
    peer = Peer()
    stream = peer.begin()
    literal = b"\x88\x00\x0ccontent-type\x10application/grpc"
    peer.send(frame(H, WHOLE, 1, literal), data(1, b"fine"))
    assert peer.connection.take(stream) == [b"fine"]


@pytest.mark.parametrize("block", [b"\x88\x40\x01a\x01b\xbe", b"\x3f\xe1\x1f\x88"], ids=["used", "made larger"])
def test_a_table_that_we_do_not_allow_ends_the_connection(block: bytes) -> None:
    """The server knows that there is none (RFC 9113, 4.3.1)."""
    peer = Peer()
    peer.begin()
    peer.send(frame(H, WHOLE, 1, block))
    assert peer.connection.failure is not None
    assert peer.connection.failure.code is COMPRESSION


def test_the_client_begins_with_the_preface_and_its_settings() -> None:
    """Push is off, and the windows are ours (RFC 9113, 3.4)."""
    greeting = Peer().greeting
    assert greeting.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    first = greeting[24:]
    assert first[3] == S
    values = dict(frames.parse_settings(first[9 : 9 + int.from_bytes(first[:3], "big")]))
    assert values[frames.ENABLE_PUSH] == 0
    assert values[frames.HEADER_TABLE_SIZE] == 0
    assert values[frames.INITIAL_WINDOW_SIZE] == 512 * 1024


def test_settings_and_pings_are_answered_in_their_order(scene: Scene) -> None:
    """Each once, the PING with what it brought (RFC 9113, 6.5.3 and 6.7)."""
    scene.peer.send(frame(P, 0, 0, b"12345678"), settings_frame([(3, 7)]), frame(P, 0, 0, b"abcdefgh"))
    assert scene.peer.sent() == [Frame(P, 1, 0, b"12345678"), Frame(S, 1, 0, b""), Frame(P, 1, 0, b"abcdefgh")]


def test_streams_have_odd_numbers_that_grow(scene: Scene) -> None:
    """And none is used again (RFC 9113, 5.1.1)."""
    assert [stream.number for stream in scene.streams] == [1, 3, 5, 7]
    assert scene.peer.begin().number == 9


def test_a_connection_whose_numbers_are_used_up_takes_no_calls() -> None:
    """There are 2^30 of them; then another connection is needed."""
    peer = Peer()
    peer.connection._table.next_number = 2**31 - 1
    assert peer.begin().ending is None
    assert not peer.connection.takes_calls
    assert peer.begin().ending is not None
