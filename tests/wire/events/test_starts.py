from __future__ import annotations

import pytest

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.messages import decode_all_start, decode_stream_start, encode_source
from fastapi_esdb.wire.positions import END, START, Edge, Position, Start
from fastapi_esdb.wire.proto.v1 import persistent_pb2, streams_pb2
from fastapi_esdb.wire.revisions import MAX_REVISION

UNTIL_THE_END = 2**64 - 1


@pytest.mark.parametrize("start", [START, END, 0, 7, MAX_REVISION])
def test_a_stream(start: int | Edge) -> None:
    """A stream and its start are said alike by reads and by persistent subscriptions."""
    source = encode_source("s", start)["stream"]
    for options in (
        streams_pb2.ReadReq.Options.StreamOptions(**source),
        persistent_pb2.CreateReq.StreamOptions(**source),
        persistent_pb2.UpdateReq.StreamOptions(**source),
    ):
        assert decode_stream_start(options) == ("s", start)


@pytest.mark.parametrize("start", [START, END, Position(0, 0), Position(MAX_REVISION, 5)])
def test_all(start: Position | Edge) -> None:
    """A place in $all is said alike by reads and by persistent subscriptions."""
    source = encode_source(None, start)["all"]
    for options in (
        streams_pb2.ReadReq.Options.AllOptions(**source),
        persistent_pb2.CreateReq.AllOptions(**source),
        persistent_pb2.UpdateReq.AllOptions(**source),
    ):
        assert decode_all_start(options) == start


def test_the_largest_numbers() -> None:
    """The largest revision and the largest position of the protocol stand for the end."""
    name = {"stream_name": b"s"}
    stream = streams_pb2.ReadReq.Options.StreamOptions(stream_identifier=name, revision=UNTIL_THE_END)
    assert decode_stream_start(stream) == ("s", END)
    place = {"commit_position": UNTIL_THE_END, "prepare_position": UNTIL_THE_END}
    assert decode_all_start(streams_pb2.ReadReq.Options.AllOptions(position=place)) is END


@pytest.mark.parametrize(
    ("stream", "start", "says"),
    [
        ("", START, "the stream name is empty"),
        ("\ud800", START, "is not valid Unicode text"),
        ("s", -1, "the revision -1 is out of bounds"),
        ("s", MAX_REVISION + 1, "is out of bounds: it must be between 0 and 9223372036854775807"),
        ("s", Position(1, 1), "is a position in $all: a stream is read from a revision, START or END"),
        (None, 1, "1 is a revision of a stream: $all is read from a Position, START or END"),
        (None, Position(1, 2), "C:1/P:2 is invalid"),
        (None, Position(-1, -1), "C:-1/P:-1 is invalid"),
    ],
)
def test_starts_that_cannot_be(stream: str | None, start: Start, says: str) -> None:
    """A start that no server takes is refused before it is sent, and says what would be right."""
    with pytest.raises(InvalidArgument) as refused:
        encode_source(stream, start)
    assert says in str(refused.value)


@pytest.mark.parametrize("position", [(1, 2), (MAX_REVISION + 1, 0)])
def test_positions_that_servers_refuse(position: tuple[int, int]) -> None:
    """A server refuses a position that its log cannot have."""
    place = dict(zip(("commit_position", "prepare_position"), position, strict=True))
    with pytest.raises(InvalidArgument, match="is invalid"):
        decode_all_start(streams_pb2.ReadReq.Options.AllOptions(position=place))


def test_requests_without_a_start() -> None:
    """A server wants to be told where to begin."""
    with pytest.raises(InvalidArgument, match="revision_option is missing"):
        decode_stream_start(persistent_pb2.CreateReq.StreamOptions(stream_identifier={"stream_name": b"s"}))
    with pytest.raises(InvalidArgument, match="all_option is missing"):
        decode_all_start(persistent_pb2.CreateReq.AllOptions())
