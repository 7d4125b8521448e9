from __future__ import annotations

import pytest

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.streams.methods import DELETE, TOMBSTONE
from fastapi_esdb.wire.streams.values import DeleteRequest, DeleteResult
from tests.wire.comparing import check

BOTH = [DELETE, TOMBSTONE]

REQUESTS: list[tuple[DeleteRequest, bytes]] = [
    (DeleteRequest("a"), b'\n\x07\n\x03\x1a\x01a"\x00'),
    (DeleteRequest("a", 0), b"\n\x07\n\x03\x1a\x01a\x10\x00"),
    (DeleteRequest("a", NO_STREAM), b"\n\x07\n\x03\x1a\x01a\x1a\x00"),
    (DeleteRequest("a", STREAM_EXISTS), b"\n\x07\n\x03\x1a\x01a*\x00"),
]

RESULTS: list[tuple[DeleteResult, bytes]] = [
    (DeleteResult(Position(9, 9)), b"\n\x04\x08\t\x10\t"),
    (DeleteResult(None), b"\x12\x00"),
]


@pytest.mark.parametrize("method", BOTH, ids=repr)
@pytest.mark.parametrize(("request_", "data"), REQUESTS, ids=[repr(value) for value, _ in REQUESTS])
def test_each_form_of_a_delete_has_its_bytes(
    method: Method[DeleteRequest, DeleteResult], request_: DeleteRequest, data: bytes
) -> None:
    """Soft and permanent deletes say the stream and the expectation alike."""
    check(method.request, request_, data)


@pytest.mark.parametrize("method", BOTH, ids=repr)
@pytest.mark.parametrize(("result", "data"), RESULTS, ids=["position", "no position"])
def test_each_result_of_a_delete_has_its_bytes(
    method: Method[DeleteRequest, DeleteResult], result: DeleteResult, data: bytes
) -> None:
    """The result says where in the log the deletion stands, if the server tells it."""
    check(method.response, result, data)


@pytest.mark.parametrize("method", BOTH, ids=repr)
def test_a_delete_of_nothing_is_refused(method: Method[DeleteRequest, DeleteResult]) -> None:
    """A request without a stream is an invalid argument."""
    with pytest.raises(InvalidArgument, match="stream name is empty"):
        method.request.decode(method.request.message())
