"""Generated code lives in pools of its own, beside whatever else knows the same messages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import empty_pb2 as google_empty_pb2

from fastapi_esdb.wire.proto import v1, v2
from fastapi_esdb.wire.proto.v1 import any_pb2, code_pb2, duration_pb2, empty_pb2, shared_pb2, status_pb2, struct_pb2
from fastapi_esdb.wire.proto.v2 import code_pb2 as v2_code_pb2
from fastapi_esdb.wire.proto.v2 import error_details_pb2
from fastapi_esdb.wire.proto.v2 import status_pb2 as v2_status_pb2

ROOT = Path(__file__).parents[3]

OURS = """
import fastapi_esdb
from fastapi_esdb.wire.proto.v1 import shared_pb2, status_pb2, streams_pb2
from fastapi_esdb.wire.proto.v2 import error_details_pb2, rpc_errors_pb2, streams_errors_pb2
from fastapi_esdb.wire.proto.v2 import streams_pb2 as v2_streams_pb2
"""
USE_OURS = """
identifier = shared_pb2.StreamIdentifier(stream_name=b"order")
options = streams_pb2.ReadReq.Options.StreamOptions(stream_identifier=identifier, start=shared_pb2.Empty())
request = streams_pb2.ReadReq(options=streams_pb2.ReadReq.Options(stream=options, count=1))
assert streams_pb2.ReadReq.FromString(request.SerializeToString()) == request
record = v2_streams_pb2.AppendRecord(record_id="1", data=b"x")
record.properties["k"].string_value = "v"
assert v2_streams_pb2.AppendRecord.FromString(record.SerializeToString()) == record
"""
THEIRS = """
import kurrentdbclient
from google.rpc import error_details_pb2 as google_details_pb2, status_pb2 as google_status_pb2
from kurrentdbclient.protos.v1 import shared_pb2 as their_shared_pb2, streams_pb2 as their_streams_pb2
from kurrentdbclient.protos.v2.streams import streams_pb2 as their_v2_streams_pb2
"""
USE_THEIRS = """
their_identifier = their_shared_pb2.StreamIdentifier(stream_name=b"order")
their_request = their_streams_pb2.ReadReq()
their_request.options.stream.stream_identifier.CopyFrom(their_identifier)
their_request.options.stream.start.SetInParent()
their_request.options.count = 1
assert their_streams_pb2.ReadReq.FromString(their_request.SerializeToString()) == their_request
their_record = their_v2_streams_pb2.AppendRecord(record_id="1", data=b"x")
assert their_v2_streams_pb2.AppendRecord.FromString(their_record.SerializeToString()) == their_record
assert google_status_pb2.Status(code=1, message="m").SerializeToString() == b"\\x08\\x01\\x12\\x01m"
"""
USE_TOGETHER = """
assert request.SerializeToString() == their_request.SerializeToString()
assert type(request) is not type(their_request)
"""
DEFAULT_POOL_IS_UNTOUCHED = """
from google.protobuf import descriptor_pool
from fastapi_esdb.wire.proto import v1, v2
from fastapi_esdb.wire.proto.v2 import status_pb2 as our_v2_status_pb2
for pool, file in (
    (v1.POOL, "streams.proto"),
    (v1.POOL, "google/protobuf/any.proto"),
    (v2.POOL, "google/rpc/status.proto"),
):
    assert pool.FindFileByName(file)
    try:
        descriptor_pool.Default().FindFileByName(file)
    except KeyError:
        continue
    raise AssertionError(f"{file} is in the default pool")
"""


def run(code: str, **environment: str) -> None:
    """Run code in a fresh interpreter, where a warning is an error."""
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("imports", [OURS + THEIRS, THEIRS + OURS], ids=["ours first", "theirs first"])
def test_loads_beside_kurrentdbclient(imports: str) -> None:
    """In one process with kurrentdbclient and google's rich status, in either order, both build and parse messages."""
    run(imports + USE_OURS + USE_THEIRS + USE_TOGETHER)
    run(imports + USE_THEIRS + USE_OURS)


def test_default_pool_is_untouched() -> None:
    """Nothing of ours, not even the well-known files, gets into protobuf's default pool."""
    run(OURS + USE_OURS + DEFAULT_POOL_IS_UNTOUCHED)


def test_works_with_the_pure_python_implementation() -> None:
    """Where protobuf has no binary wheel, nested messages are reachable and round trips work just the same."""
    chosen = "from google.protobuf.internal import api_implementation\nassert api_implementation.Type() == 'python'\n"
    run(chosen + OURS + USE_OURS, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION="python")


def test_the_folders_do_not_share_a_pool() -> None:
    """Both versions have a google.rpc.Status: with one detail in v1, with many in v2."""
    assert v1.POOL is not v2.POOL
    assert code_pb2.Code.DESCRIPTOR is not v2_code_pb2.Code.DESCRIPTOR
    one, many = (module.Status.DESCRIPTOR.fields_by_name["details"] for module in (status_pb2, v2_status_pb2))
    assert (one.is_repeated, many.is_repeated) == (False, True)


def test_well_known_messages_are_of_the_same_pool() -> None:
    """A field takes its own pool's Empty; google's class of that name is another one and is refused."""
    assert shared_pb2.WrongExpectedVersion(expected_any=empty_pb2.Empty()).HasField("expected_any")
    with pytest.raises(TypeError):
        shared_pb2.WrongExpectedVersion(expected_any=google_empty_pb2.Empty())  # type: ignore[arg-type]  # the mistake


def test_well_known_messages_keep_their_helpers() -> None:
    """Any packs and unpacks, Duration and Struct convert, as google's own do."""
    denied = any_pb2.Any()
    denied.Pack(shared_pb2.BadRequest(message="no id"))
    assert denied.type_url == "type.googleapis.com/event_store.client.BadRequest"
    unpacked = shared_pb2.BadRequest()
    assert denied.Unpack(unpacked)
    assert unpacked.message == "no id"
    duration = duration_pb2.Duration()
    duration.FromMilliseconds(1500)
    assert (duration.seconds, duration.nanos) == (1, 500_000_000)
    struct = struct_pb2.Struct()
    struct.update({"a": 1})
    assert struct["a"] == 1


def test_rich_status_is_readable() -> None:
    """The v2 folder reads what `grpc-status-details-bin` carries."""
    status = v2_status_pb2.Status(code=v2_code_pb2.FAILED_PRECONDITION)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="STREAM_TOMBSTONED", domain="streams"))
    parsed = v2_status_pb2.Status.FromString(status.SerializeToString())
    info = error_details_pb2.ErrorInfo()
    assert parsed.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("STREAM_TOMBSTONED", "streams")
