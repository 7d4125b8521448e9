"""What a real server sent, replayed: whole, byte by byte, and cut at random."""

from collections.abc import Iterable
from random import Random

import pytest

from fastapi_esdb.connection.http2.codes import ErrorCode
from fastapi_esdb.connection.http2.frames import FrameReader
from fastapi_esdb.connection.http2.limits import SMALLEST_FRAME_LIMIT
from fastapi_esdb.connection.http2.statuses import Cause, percent_decoded
from tests.connection.http2.recordings import Cut, Recording, Replay, recordings, replay

GRPC_FIELDS = ("grpc-status", "grpc-message", "content-type")


def whole(data: bytes) -> Iterable[bytes]:
    yield data


def bytewise(data: bytes) -> Iterable[bytes]:
    for at in range(len(data)):
        yield data[at : at + 1]


def at_random(seed: int) -> Cut:
    random = Random(seed)

    def cut(data: bytes) -> Iterable[bytes]:
        at = 0
        while at < len(data):
            size = random.choice((1, 2, 8, 9, 10, 100, 1000, 5000))
            yield data[at : at + size]
            at += size

    return cut


CUTS = {"whole": whole, "bytewise": bytewise, **{f"random {seed}": at_random(seed) for seed in range(5)}}


@pytest.fixture(params=sorted(recordings()))
def recording(request: pytest.FixtureRequest) -> Recording:
    return recordings()[request.param]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_the_meaning_of_a_recording_stays_wherever_it_is_cut(recording: Recording, cut: Cut) -> None:
    """Each call has its headers, its messages byte for byte and its end, however the network has cut them."""
    played = replay(recording, cut)
    assert played.connection.failure is None
    answered = {number for number, stream in played.streams.items() if stream.headers or stream.ending}
    assert answered == {*recording.streams}
    for number, expected in recording.streams.items():
        assert played.meaning(number) == (expected["messages"], expected["message_bytes"], expected["sha256"])
        check_headers(played, number, expected["headers"])
        if "reset" in expected and not expected["headers"]:
            ending = played.streams[number].ending
            assert ending is not None
            assert ending.cause is Cause.REFUSED


def check_headers(played: Replay, number: int, expected: list[list[list[str]]]) -> None:
    stream = played.streams[number]
    if not expected:
        assert stream.headers is None
        return
    assert stream.headers is not None
    said = [[":status", str(stream.headers.http_status)]]
    said += [[name.decode(), value.decode()] for name, value in stream.headers.fields]
    assert said == expected[0]
    last = {pair[0]: pair[1] for pair in expected[-1]}
    if "grpc-status" not in last:
        return
    ending = stream.ending
    assert ending is not None
    assert ending.code == int(last["grpc-status"])
    assert ending.message == percent_decoded(last.get("grpc-message", "").encode())
    assert ending.cause is Cause.ANSWER
    others = {name: value for name, value in last.items() if name not in (*GRPC_FIELDS, ":status")}
    assert dict(ending.trailers) == others


def test_the_frames_of_a_recording_are_found_byte_by_byte(recording: Recording) -> None:
    """Type, flags, stream and length of each frame are what was recorded."""
    reader = FrameReader(SMALLEST_FRAME_LIMIT)
    found: list[list[int]] = []

    def take(kind: int, flags: int, stream: int, at: int, end: int) -> None:
        found.append([kind, flags, stream, end - at])

    for data in recording.received:
        for piece in bytewise(data):
            reader.read(piece, take, take)
    assert found == recording.frames


CODES = {
    "goaway: DATA on an idle stream": 1,
    "goaway: WINDOW_UPDATE 0": 1,
    "goaway: a window that overflows": 3,
    "goaway: a frame too large": 6,
    "shutdown": 0,
}


@pytest.mark.parametrize("name", CODES)
def test_a_goaway_of_a_real_server_says_what_we_did(name: str) -> None:
    """A violation of ours is answered by its code, and a shutdown by NO_ERROR, after which nothing begins."""
    connection = replay(recordings()[name], whole).connection
    assert connection.goodbye is not None
    assert connection.goodbye.code == CODES[name]
    assert (connection.goodbye.code == ErrorCode.NO_ERROR) == (name == "shutdown")
    assert not connection.takes_calls
