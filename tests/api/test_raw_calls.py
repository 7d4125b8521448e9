"""Calls by their path: what a server has and the package does not know."""

from __future__ import annotations

import pytest

from fastapi_esdb import (
    STREAM_EXISTS,
    Connection,
    InvalidArgument,
    NewEvent,
    NotSupported,
    ReadOnlyConnection,
    WrongExpectedRevision,
    connect,
)
from fastapi_esdb.wire.proto.v1 import serverfeatures_pb2, shared_pb2, streams_pb2
from fastapi_esdb.wire.streams.methods import DELETE, READ
from fastapi_esdb.wire.streams.values import DeleteRequest, ReadRequest
from tests.support.waiting import PATIENCE

FEATURES = "/event_store.client.server_features.ServerFeatures/GetSupportedMethods"


async def test_a_message_goes_and_one_of_the_class_named_comes(esdb: Connection) -> None:
    """The answer is a message of the class that was asked for."""
    answer = await esdb.call(FEATURES, shared_pb2.Empty(), answer=serverfeatures_pb2.SupportedMethods, writes=False)
    assert answer.event_store_server_version == await esdb.cluster.server_version()


async def test_without_a_class_bytes_come(esdb: Connection) -> None:
    """Bytes go and come as they are."""
    answer = await esdb.call(FEATURES, b"", writes=False)
    assert serverfeatures_pb2.SupportedMethods.FromString(answer).methods


async def test_what_writes_is_refused_by_a_read_only_connection_and_has_our_errors(esdb: Connection) -> None:
    """The server's answer becomes the same exception as in a call that the package knows."""
    path, request = DELETE.path, DELETE.encode_request(DeleteRequest("s", STREAM_EXISTS))
    with pytest.raises(WrongExpectedRevision):
        await esdb.call(path, request)
    settings = esdb.pool.settings.model_copy(update={"read_only": True})
    async with connect(settings) as reader:
        await reader.wait_connected(PATIENCE)
        with pytest.raises(ReadOnlyConnection, match=path):
            await reader.call(path, request)


async def test_answers_that_stream_are_iterated(esdb: Connection) -> None:
    """Each of them comes as a message."""
    await esdb.append("s", [NewEvent("One", {}), NewEvent("Two", {})])
    request = READ.encode_request(ReadRequest("s"))
    types = [
        answer.event.event.metadata["type"]
        async for answer in esdb.call_streaming(READ.path, request, answer=streams_pb2.ReadResp)
        if answer.HasField("event")
    ]
    assert types == ["One", "Two"]
    assert [data async for data in esdb.call_streaming(READ.path, request)]


async def test_a_call_that_the_server_lacks(esdb: Connection) -> None:
    """The error names the path."""
    with pytest.raises(NotSupported, match=r"/kurrentdb\.coming\.Service/Method$"):
        await esdb.call("/kurrentdb.coming.Service/Method", b"", writes=False)
    with pytest.raises(NotSupported, match=r"/kurrentdb\.coming\.Service/Method$"):
        [answer async for answer in esdb.call_streaming("/kurrentdb.coming.Service/Method")]


@pytest.mark.parametrize("path", ["", "Read", "event_store.client.streams.Streams/Read", "/a/b/c", "/a/b\n", None])
async def test_a_path_that_can_not_be(esdb: Connection, path: str) -> None:
    """The error shows how a path looks."""
    with pytest.raises(InvalidArgument, match=r'path must be the path of a call, "/package\.Service/Method"'):
        await esdb.call(path)


async def test_requests_and_answers_that_can_not_be(esdb: Connection) -> None:
    """Nothing is sent; the value is not shown, since it may hold anything."""
    with pytest.raises(InvalidArgument, match="request must be a protobuf message or its bytes, not str"):
        await esdb.call(FEATURES, "secret")  # type: ignore[call-overload]  # that is the point
    with pytest.raises(InvalidArgument, match="answer must be a class of protobuf messages"):
        await esdb.call(FEATURES, b"", answer=str)  # type: ignore[type-var]  # that is the point
    with pytest.raises(InvalidArgument, match="or None for bytes, not Empty"):
        await esdb.call(FEATURES, b"", answer=shared_pb2.Empty())  # type: ignore[call-overload]  # that is the point
