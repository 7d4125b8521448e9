"""Frames, and the cutting of bytes into them."""

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.frames import FrameReader, frame, header_frames, unpadded, without_priority
from tests.connection.http2.peers import Frame, parse


def test_a_frame_has_the_layout_of_rfc_9113() -> None:
    """Three bytes of length, type, flags, a stream of 31 bits, and the payload."""
    assert frame(frames.DATA, 1, 0x01020304, b"abc") == bytes.fromhex("000003 00 01 01020304") + b"abc"
    assert frame(frames.PING, payload=b"x" * 70_000)[:9] == bytes.fromhex("011170 06 00 00000000")


def test_the_first_bit_of_a_stream_is_ignored() -> None:
    """It is reserved (RFC 9113, 4.1)."""
    assert parse(bytes.fromhex("000000 00 00 80000005")) == [Frame(frames.DATA, 0, 5, b"")]


def test_a_long_header_block_is_continued() -> None:
    """The last frame of a block ends it; END_STREAM stands on the first."""
    found = parse(header_frames(7, b"abcdefgh", ends=True, most=3))
    assert found == [
        Frame(frames.HEADERS, frames.END_STREAM, 7, b"abc"),
        Frame(frames.CONTINUATION, 0, 7, b"def"),
        Frame(frames.CONTINUATION, frames.END_HEADERS, 7, b"gh"),
    ]
    assert len(parse(header_frames(7, b"abc", ends=False, most=3))) == 1


@pytest.mark.parametrize("size", range(1, 14))
def test_frames_are_found_wherever_they_are_cut(size: int) -> None:
    """A frame is given when its last byte has come."""
    sent = frame(frames.PING, payload=b"12345678") + frame(99, 7, 3) + frame(frames.DATA, 0, 1, b"x" * 100)
    reader = FrameReader(16_384)
    found = []

    def take(kind: int, flags: int, stream: int, begin: int, end: int) -> None:
        found.append(Frame(kind, flags, stream, reader.buffer[begin:end]))

    for at in range(0, len(sent), size):
        reader.read(sent[at : at + size], take, take)
    assert found == parse(sent)
    assert len(found) == 3


def test_a_frame_that_is_too_large_is_refused_by_its_head() -> None:
    """Nothing of it is waited for."""
    head = frame(frames.DATA, 0, 1, b"x" * 101)[: frames.HEADER_SIZE]
    with pytest.raises(Violation) as caught:
        FrameReader(100).read(head, lambda *_: None, lambda *_: None)
    assert caught.value.code is ErrorCode.FRAME_SIZE_ERROR


def test_padding_and_priority_are_taken_off() -> None:
    """What is left is the content."""
    payload = b"\x03" + b"12345" + b"content" + b"\0\0\0"
    flags = frames.PADDED | frames.HAS_PRIORITY
    at, end = unpadded(payload, flags, 0, len(payload))
    assert payload[without_priority(flags, at, end) : end] == b"content"
    assert unpadded(b"abc", 0, 0, 3) == (0, 3)


def test_a_frame_may_be_all_padding() -> None:
    """One byte of length and as many as it says."""
    assert unpadded(b"\x02ab", frames.PADDED, 0, 3) == (1, 1)


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x03ab"])
def test_more_padding_than_payload_is_a_violation(payload: bytes) -> None:
    """Also the length of the padding has to be there."""
    with pytest.raises(Violation):
        unpadded(payload, frames.PADDED, 0, len(payload))
