"""Byte streams that no server would send: none hangs, none raises, and what they cost is bounded."""

from collections.abc import Callable
from random import Random

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.connection import Connection
from fastapi_esdb.connection.http2.frames import frame
from fastapi_esdb.connection.http2.headers import Origin
from fastapi_esdb.connection.http2.limits import Limits
from fastapi_esdb.connection.http2.streams import State
from tests.connection.http2.peers import ANSWER, OK, Peer, data
from tests.connection.http2.recordings import recordings

LIMITS = Limits(stream_window=8192, connection_window=65_535, message=20_000, header_list=4096, header_table=4096)
MOST_OUTGOING = 200_000
"""Bytes: two requests, and what answers frames."""
MOST_RECORDED = 6000
FEW, MANY = 4000, 500_000
"""Streams of each kind: in the suite, and in the slow one, where they are a million together."""

RECORDED = [
    received for name in sorted(recordings()) if len(received := b"".join(recordings()[name].received)) < MOST_RECORDED
]


def mutated(random: Random) -> bytes:
    """Recorded bytes with a few of them changed, taken out, repeated or moved."""
    found = bytearray(random.choice(RECORDED))
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        at = random.randrange(len(found)) if found else 0
        size = random.choice((1, 1, 2, 4, 9, 50))
        part = bytes(found[at : at + size])
        what = random.randrange(5)
        if what == 0:
            found[at : at + size] = random.randbytes(len(part))
        elif what == 1:
            del found[at : at + size]
        elif what == 2:
            found[at:at] = part
        elif what == 3 and found:
            found[at % len(found)] ^= 1 << random.randrange(8)
        else:
            other = random.randrange(len(found) + 1)
            found[other:other] = part
    return bytes(found)


FIELDS = (ANSWER, OK, (*ANSWER, *OK), ((":status", "503"),))
BLOCKS = [b"", b"\x20", b"\x88", b"\xff", *map(Peer().block, FIELDS)]
PAYLOADS = [b"", b"\0", bytes(4), bytes(5), bytes(8), b"\x7f\xff\xff\xff", data(1, b"abc", b"")[9:], b"\1\0\0\0\1x"]


def invented(random: Random) -> bytes:
    """Frames that are whole, of any type, with any flags and payload, on any stream."""
    found = [frames.settings_frame([(random.randrange(10), random.choice((0, 1, 100, 2**14, 2**31)))])]
    for _ in range(random.randrange(1, 30)):
        kind = random.choice((*range(10), 0, 0, 1, 1, 77))
        payload = random.choice(BLOCKS if kind in (1, 9) else PAYLOADS)
        if random.random() < 0.1:
            payload += random.randbytes(random.randrange(40))
        flags = random.choice((0, 0, 1, 4, 4, 5, 5, 8, 32, 255))
        found.append(frame(kind, flags, random.choice((0, 1, 1, 3, 3, 5, 7, 2, 99)), payload))
    return b"".join(found)


def survive(seed: int, make: Callable[[Random], bytes]) -> None:
    """Have a connection take such bytes, cut at random, while its calls go on."""
    random = Random(seed)
    connection = Connection(Origin("http", "localhost:2113"), LIMITS)
    streams = [connection.begin("/a.B/C") for _ in range(3)]
    for stream in streams[:2]:
        connection.send(stream, b"x" * random.choice((0, 100, 70_000)), ends=random.random() < 0.8)
    sent = make(random)
    at = 0
    while at < len(sent):
        size = random.choice((1, 9, 64, 1000, 10_000))
        for stream in connection.receive(sent[at : at + size]):
            assert sum(map(len, stream.reader.messages)) <= LIMITS.stream_window
            if random.random() < 0.7:
                connection.take(stream)
        assert len(connection.take_outgoing()) < MOST_OUTGOING
        if random.random() < 0.1:
            connection.cancel(random.choice(streams))
        at += size
    check_end(connection)


def check_end(connection: Connection) -> None:
    """Whatever was received, the calls end when the connection does, and it knows of none any more."""
    open_before = list(connection._table.open.values())
    touched = connection.lose("the end")
    assert {*open_before} <= {*touched}
    assert connection.streams == 0
    assert all(stream.ending is not None and stream.state is State.CLOSED for stream in touched)
    assert connection.failure is not None


@pytest.mark.parametrize("part", range(4))
def test_mutated_recordings_harm_nothing(part: int) -> None:
    """Of all real servers say, with a few bytes changed."""
    for seed in range(part * FEW // 4, (part + 1) * FEW // 4):
        survive(seed, mutated)


@pytest.mark.parametrize("part", range(4))
def test_invented_frames_harm_nothing(part: int) -> None:
    """Whole frames in an order that no server would choose."""
    for seed in range(part * FEW // 4, (part + 1) * FEW // 4):
        survive(seed, invented)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(10))
@pytest.mark.parametrize("make", [mutated, invented])
def test_a_million_byte_streams_harm_nothing(make: Callable[[Random], bytes], part: int) -> None:
    """The same, for longer."""
    for seed in range(10**9 + part * MANY // 10, 10**9 + (part + 1) * MANY // 10):
        survive(seed, make)
