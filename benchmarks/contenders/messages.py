"""The messages that the bare techniques send, made straight from the generated classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from benchmarks.events import CONTENT_TYPE, TYPE
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.proto.v2 import streams_pb2 as v2
from fastapi_esdb.wire.streams_v2.values import SchemaFormat

READ = "/event_store.client.streams.Streams/Read"
APPEND = "/event_store.client.streams.Streams/Append"
BATCH_APPEND = "/event_store.client.streams.Streams/BatchAppend"
APPEND_RECORDS = "/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords"

MAX_COUNT = 2**63 - 1


def read_request(stream: str, limit: int = MAX_COUNT, *, subscribe: bool = False) -> pb.ReadReq:
    count: dict[str, Any] = {"subscription": {}} if subscribe else {"count": limit}
    options = {
        "stream": {"stream_identifier": {"stream_name": stream.encode()}, "start": {}},
        "uuid_option": {"string": {}},
        "no_filter": {},
        "control_option": {"compatibility": 1},
    }
    return pb.ReadReq(options={**options, **count})


def append_requests(stream: str, data: bytes) -> list[pb.AppendReq]:
    options = {"stream_identifier": {"stream_name": stream.encode()}, "any": {}}
    return [pb.AppendReq(options=options), pb.AppendReq(proposed_message=proposed(data))]


def batch_request(correlation: int, stream: str, data: bytes) -> pb.BatchAppendReq:
    return pb.BatchAppendReq(
        correlation_id={"structured": {"most_significant_bits": 0, "least_significant_bits": correlation}},
        options={"stream_identifier": {"stream_name": stream.encode()}, "any": {}},
        proposed_messages=[proposed(data)],
        is_final=True,
    )


def proposed(data: bytes) -> dict[str, Any]:
    return {
        "id": {"string": str(uuid4())},
        "metadata": {"type": TYPE, "content-type": CONTENT_TYPE},
        "data": data,
    }


def record(stream: str, data: bytes) -> v2.AppendRecord:
    schema = {"format": SchemaFormat.JSON.value, "name": TYPE}
    return v2.AppendRecord(record_id=str(uuid4()), stream=stream, schema=schema, data=data)


def records_request(records: Iterable[v2.AppendRecord]) -> v2.AppendRecordsRequest:
    return v2.AppendRecordsRequest(records=records)


def size_of(response: pb.ReadResp) -> int | None:
    """The bytes of an event's data; `None` for what is no event."""
    return len(response.event.event.data) if response.HasField("event") else None
