"""gRPC's messages in the data of a stream."""

import pytest

from fastapi_esdb.connection.http2.codes import StreamViolation
from fastapi_esdb.connection.http2.messages import MessageReader, framed
from fastapi_esdb.wire.status.codes import StatusCode

MESSAGES = [b"", b"a", b"hello" * 100, b"", b"x" * 5000]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 7, 100, 4096, 10_000])
def test_messages_are_found_wherever_they_are_cut(size: int) -> None:
    """Each is given once it is whole, in their order."""
    data = b"".join(map(framed, MESSAGES))
    reader = MessageReader(10_000)
    for at in range(0, len(data), size):
        reader.feed(b"<" + data[at : at + size] + b">", 1, 1 + len(data[at : at + size]))
    assert reader.take() == MESSAGES
    assert reader.take() == []
    assert not reader.is_within


def test_a_message_that_is_not_whole_is_known_to_be_missing() -> None:
    """One byte of a prefix is enough for that."""
    reader = MessageReader(100)
    reader.feed(b"\0", 0, 1)
    assert reader.is_within
    reader.feed(b"\0\0\0\1a", 0, 5)
    assert reader.take() == [b"a"]
    assert not reader.is_within


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\1\0\0\0\1a", StatusCode.INTERNAL),
        (b"\7\0\0\0\1a", StatusCode.INTERNAL),
        (b"\0\0\0\0\x0b", StatusCode.RESOURCE_EXHAUSTED),
        (b"\0\xff\xff\xff\xff", StatusCode.RESOURCE_EXHAUSTED),
    ],
    ids=["compressed", "unknown flag", "too large", "far too large"],
)
@pytest.mark.parametrize("bytewise", [False, True])
def test_a_message_that_is_compressed_or_too_large_is_refused(data: bytes, code: StatusCode, bytewise: bool) -> None:
    """Its prefix is enough, and the messages before it are there."""
    reader = MessageReader(10)
    reader.feed(framed(b"before"), 0, 11)
    cuts = range(0, len(data), 1 if bytewise else len(data))

    def feed_all() -> None:
        for at, end in zip(cuts, [*cuts[1:], len(data)], strict=True):
            reader.feed(data, at, end)

    with pytest.raises(StreamViolation) as caught:
        feed_all()
    assert caught.value.status is code
    assert reader.take() == [b"before"]
