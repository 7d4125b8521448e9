from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor

from fastapi_esdb.wire.admin.operations import SET_NODE_PRIORITY, NodePriority
from fastapi_esdb.wire.errors import InvalidArgument, NoAnswer
from fastapi_esdb.wire.method import Method, Shape
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto import v1, v2
from fastapi_esdb.wire.streams.methods import APPEND, DELETE
from fastapi_esdb.wire.streams.values import DeleteRequest, DeleteResult

QUERIES = {
    "Streams/Read",
    "PersistentSubscriptions/GetInfo",
    "PersistentSubscriptions/List",
    "Projections/Statistics",
    "Projections/State",
    "Projections/Result",
    "Users/Details",
    "IndexesService/List",
    "IndexesService/Get",
    "SchemaRegistryService/GetSchema",
    "SchemaRegistryService/ListSchemas",
    "SchemaRegistryService/LookupSchemaName",
    "SchemaRegistryService/GetSchemaVersion",
    "SchemaRegistryService/GetSchemaVersionById",
    "SchemaRegistryService/ListSchemaVersions",
    "SchemaRegistryService/ListRegisteredSchemas",
    "SchemaRegistryService/CheckSchemaCompatibility",
    "Gossip/Read",
    "Monitoring/Stats",
    "ServerFeatures/GetSupportedMethods",
}
"""What changes nothing on the server."""

SHAPES = {
    (False, False): Shape.UNARY,
    (False, True): Shape.SERVER_STREAM,
    (True, False): Shape.CLIENT_STREAM,
    (True, True): Shape.DUPLEX,
}
"""By whether the client and whether the server streams."""


def described() -> Iterator[tuple[str, MethodDescriptor]]:
    """Every RPC that the generated modules describe, with its path."""
    for folder in (v1, v2):
        for module in iter_modules(folder.__path__, folder.__name__ + "."):
            for service in import_module(module.name).DESCRIPTOR.services_by_name.values():
                yield from ((f"/{service.full_name}/{method.name}", method) for method in service.methods)


ON_PAPER = re.compile("SchemaGroups?$|BulkRegisterSchemas$")
"""Calls that the protocol defines and no server has."""

DESCRIBED = dict(described())


def test_every_rpc_once() -> None:
    """There is one Method for each RPC of the protocol, none twice and none that the protocol lacks."""
    defined = Counter(path for path, _ in described() if not ON_PAPER.search(path))
    assert Counter(method.path for method in all_methods()) == defined


@pytest.mark.parametrize("method", all_methods(), ids=repr)
def test_shape_and_messages(method: Method[Any, Any]) -> None:
    """A Method streams as the protocol says and has its two messages."""
    theirs = DESCRIBED[method.path]
    assert method.shape is SHAPES[theirs.client_streaming, theirs.server_streaming]
    assert method.shape.client_streams == theirs.client_streaming
    assert method.request.message.DESCRIPTOR is theirs.input_type
    assert method.response.message.DESCRIPTOR is theirs.output_type


def test_what_writes() -> None:
    """Everything but a query can change what the server holds: also consuming a group, which moves its progress."""
    queries = {method.path.rpartition(".")[2] for method in all_methods() if not method.writes}
    assert queries == QUERIES


def test_since_when() -> None:
    """Calls that came after the first version tell which version brought them."""
    registry = {method for method in all_methods() if "Registry" in method.service}
    assert {method.since for method in registry} == {"25.1"}
    others = (method for method in all_methods() if method.since != "20.6" and method not in registry)
    since = {method.path.rpartition(".")[2]: method.since for method in others}
    assert since == {
        "Streams/BatchAppend": "21.6",
        "PersistentSubscriptions/GetInfo": "21.10.1",
        "PersistentSubscriptions/List": "21.10.1",
        "PersistentSubscriptions/ReplayParked": "21.10.1",
        "PersistentSubscriptions/RestartSubsystem": "21.10.1",
        "PersistentSubscriptions/TruncateParked": "26.1.1",
        "Monitoring/Stats": "21.6",
        "ServerFeatures/GetSupportedMethods": "21.10",
        "StreamsService/AppendSession": "25.1",
        "StreamsService/AppendRecords": "26.0.3",
        **{f"IndexesService/{call}": "26.0" for call in ("Create", "Start", "Stop", "Delete", "List", "Get")},
    }


def test_a_request_arrives_as_it_was_sent() -> None:
    """What the client encodes is what the server decodes."""
    request = DeleteRequest("a", 7)
    assert DELETE.decode_request(DELETE.encode_request(request)) == request


def test_a_request_that_does_not_fit() -> None:
    """A number that the message has no room for is the caller's mistake, and one that we name stays what it is."""
    with pytest.raises(InvalidArgument, match=r"^SetNodePriority: the request can't be sent"):
        SET_NODE_PRIORITY.encode_request(NodePriority(2**31))
    with pytest.raises(InvalidArgument, match=r"^the stream name is empty"):
        DELETE.encode_request(DeleteRequest(""))


def test_bytes_that_are_no_request() -> None:
    """The server names the call that they were sent to."""
    with pytest.raises(InvalidArgument, match=f"^malformed bytes: no request of {DELETE.path}$"):
        DELETE.decode_request(b"\xff")


def test_an_answer_arrives_as_it_was_sent() -> None:
    """What the server encodes is what the client decodes."""
    answer = DeleteResult(Position(5, 5))
    assert DELETE.decode_answer(DELETE.encode_answer(answer)) == answer


@pytest.mark.parametrize("data", [b"\xff", b""], ids=["no message", "no answer"])
def test_an_answer_that_cannot_be_read(data: bytes) -> None:
    """Whatever is odd about it, the caller learns that there is no usable answer."""
    with pytest.raises(NoAnswer):
        APPEND.decode_answer(data)
