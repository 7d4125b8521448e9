"""The Monitoring service, which sends statistics of a node: its values, their converters, and its RPC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.proto.v1 import monitoring_pb2 as pb

Statistics = Mapping[str, str]
"""All values at one moment, as texts, by names such as `proc-diskIo-readBytes`."""


@dataclass(frozen=True, slots=True)
class StatsRequest:
    """Statistics at once and then every `period_ms` milliseconds. Servers renew their numbers about once a second.

    With `use_metadata` each value comes with a description.
    """

    period_ms: int = 5_000
    use_metadata: bool = False


def _encode_request(value: StatsRequest) -> pb.StatsReq:
    if value.period_ms < 1:
        # a server would send without a pause
        raise InvalidArgument(f"period_ms is {value.period_ms} and must be 1 or more")
    return pb.StatsReq(use_metadata=value.use_metadata, refresh_time_period_in_ms=value.period_ms)


def _decode_request(message: pb.StatsReq) -> StatsRequest:
    return StatsRequest(message.refresh_time_period_in_ms, message.use_metadata)


def _encode_statistics(value: Statistics) -> pb.StatsResp:
    return pb.StatsResp(stats=value)


def _decode_statistics(message: pb.StatsResp) -> Statistics:
    return dict(message.stats)


STATS = Method(
    "event_store.client.monitoring.Monitoring",
    "Stats",
    Shape.SERVER_STREAM,
    Codec(pb.StatsReq, _encode_request, _decode_request),
    Codec(pb.StatsResp, _encode_statistics, _decode_statistics),
    since="21.6",
)
