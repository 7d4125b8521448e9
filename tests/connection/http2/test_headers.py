"""Header blocks, both ways."""

import pytest
from hpack import Decoder, Encoder

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.headers import BlockDecoder, Origin, RequestEncoder, timeout_text
from fastapi_esdb.connection.http2.limits import Limits

ORIGIN = Origin("https", "node:2113", "agent/1")
FIELDS = [(":status", "200"), ("content-type", "application/grpc"), ("date", "Mon, 30 Nov 2026 21:56:18 GMT")]


def decoded(block: bytes) -> list[tuple[str, str]]:
    """The fields of a block."""
    return [(str(name), str(value)) for name, value in Decoder().decode(block)]


def test_a_request_has_what_grpc_asks_for() -> None:
    """Pseudo-header fields first, then `te: trailers`, the content type, what the caller adds, and the deadline."""
    block, size = RequestEncoder(ORIGIN, 10).encode("/a.B/C", (("requires-leader", "true"),), 0.5)
    fields = decoded(block)
    assert fields == [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/a.B/C"),
        (":authority", "node:2113"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "agent/1"),
        ("grpc-accept-encoding", "identity"),
        ("requires-leader", "true"),
        ("grpc-timeout", "500000u"),
    ]
    assert size == sum(len(name) + len(value) + 32 for name, value in fields)


def test_a_secret_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Not even by hpack, which logs each block that it makes as a whole."""
    with caplog.at_level("DEBUG"):
        RequestEncoder(ORIGIN, 10).encode("/a.B/C", (("authorization", "Basic c2VjcmV0"),), 0.5)
    assert "authorization" in caplog.text
    assert "c2VjcmV0" not in caplog.text


def test_equal_requests_are_equal_bytes_and_never_indexed() -> None:
    """After the first, which says that the table is not used; so no server keeps a password in its tables."""
    encoder = RequestEncoder(ORIGIN, 10)
    pairs = (("authorization", "Basic secret"),)
    first, second, third = (encoder.encode("/a.B/C", pairs, None)[0] for _ in range(3))
    assert first == b"\x20" + second
    assert second == third
    decoder = Decoder()
    fields = list(decoder.decode(second))
    assert not fields[-1].indexable
    assert not decoder.header_table.dynamic_entries


def test_a_server_that_shrinks_its_table_is_told_that_it_is_not_used() -> None:
    """At the beginning of the next block (RFC 9113, 4.3.1)."""
    encoder = RequestEncoder(ORIGIN, 10)
    encoder.encode("/a.B/C", (), None)
    encoder.announce()
    assert [encoder.encode("/a.B/C", (), None)[0][:1] == b"\x20" for _ in range(2)] == [True, False]


def test_the_requests_that_are_remembered_are_bounded() -> None:
    """Names that never come back fill nothing up."""
    encoder = RequestEncoder(ORIGIN, 3)
    for number in range(20):
        block, _ = encoder.encode(f"/a.B/{number}", (), None)
        assert (":path", f"/a.B/{number}") in decoded(block)
        assert len(encoder._known) <= 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.3, "300000u"),
        (0.0, "1u"),
        (1e-9, "1u"),
        (99.999999, "99999999u"),
        (100.0, "100000m"),
        (86_400.0, "86400000m"),
        (365 * 86_400.0, "31536000S"),
        (1e12, "99999999S"),
    ],
)
def test_a_deadline_is_told_in_eight_digits(seconds: float, text: str) -> None:
    """In the smallest unit that has room for it."""
    assert timeout_text(seconds) == text


def test_a_block_is_decoded_once_while_there_is_no_table() -> None:
    """Equal bytes give the same object."""
    encoder, decoder = Encoder(), BlockDecoder(Limits())
    encoder.header_table_size = 0
    first, second, third = (encoder.encode(FIELDS) for _ in range(3))
    decoder.decode(first)
    assert decoder.decode(second) is decoder.decode(third)
    assert decoder.decode(second).fields == tuple((n.encode(), v.encode()) for n, v in FIELDS[1:])
    assert decoder.decode(second).http_status == 200


def test_with_a_table_equal_bytes_may_mean_something_else() -> None:
    """They are decoded each time."""
    encoder, decoder = Encoder(), BlockDecoder(Limits(header_table=4096))
    decoder.announced()
    texts = []
    for number in (1, 2):
        decoder.decode(encoder.encode([(":status", "200"), ("date", str(number))]))
        again = encoder.encode([(":status", "200"), ("date", str(number))])
        texts.append((again, decoder.decode(again).fields[-1][1]))
    assert texts[0][0] == texts[1][0]
    assert [text for _, text in texts] == [b"1", b"2"]


def test_the_blocks_that_are_remembered_are_bounded() -> None:
    """A `date` in them changes each second for ever."""
    encoder, decoder = Encoder(), BlockDecoder(Limits(cached_blocks=3))
    encoder.header_table_size = 0
    for number in range(20):
        block = decoder.decode(encoder.encode([("date", str(number))]))
        assert block.fields == ((b"date", str(number).encode()),)
        assert len(decoder._known) <= 3


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ErrorCode.COMPRESSION_ERROR),
        (b"\x80", ErrorCode.COMPRESSION_ERROR),
        (b"\xbe", ErrorCode.COMPRESSION_ERROR),
        (b"\x40\x05ab", ErrorCode.COMPRESSION_ERROR),
        (b"\x40\x81\xff\x01a", ErrorCode.COMPRESSION_ERROR),
        (b"\x3f\xe1\x7f", ErrorCode.COMPRESSION_ERROR),
        (b"\x88\x20", ErrorCode.COMPRESSION_ERROR),
        (b"\x0f", ErrorCode.COMPRESSION_ERROR),
        (b"\x40", ErrorCode.COMPRESSION_ERROR),
        (b"\x40\x01a", ErrorCode.COMPRESSION_ERROR),
        (b"\x88" * 1000, ErrorCode.ENHANCE_YOUR_CALM),
    ],
)
def test_a_block_that_cannot_be_decoded_ends_the_connection(block: bytes, code: ErrorCode) -> None:
    """Whatever is wrong with it: nothing but `Violation` is raised."""
    with pytest.raises(Violation) as caught:
        BlockDecoder(Limits(header_list=1000)).decode(block)
    assert caught.value.code is code


@pytest.mark.parametrize(
    "fields",
    [
        [("Content-Type", "a")],
        [("", "a")],
        [("a b", "c")],
        [("a:b", "c")],
        [("a", "b\r\nc")],
        [("a", "b\0")],
        [("connection", "close")],
        [("transfer-encoding", "chunked")],
        [("te", "trailers")],
        [("a", "b"), (":status", "200")],
        [(":status", "200"), (":status", "200")],
        [(":path", "/")],
        [(":status", "200"), (":unknown", "")],
        [(":status", "20")],
        [(":status", "099")],
        [(":status", "OK")],
        [(":status", "200"), ("content-length", "-1")],
        [(":status", "200"), ("content-length", "")],
        [("a", "b")] * 300,
    ],
    ids=lambda fields: repr(fields)[:40],
)
def test_a_malformed_block_says_what_is_wrong(fields: list[tuple[str, str]]) -> None:
    """It can be decoded, so only its stream ends (RFC 9113, 8.1.1)."""
    assert BlockDecoder(Limits()).decode(Encoder().encode(fields)).problem


@pytest.mark.parametrize("value", ["", "a", "a b", "ü", "a\tb", "%20", " ", " a\t"])
def test_other_values_are_fine(value: str) -> None:
    """Bytes beyond ASCII are opaque."""
    block = BlockDecoder(Limits()).decode(Encoder().encode([("a", value)]))
    assert not block.problem
    assert block.fields == ((b"a", value.encode()),)
