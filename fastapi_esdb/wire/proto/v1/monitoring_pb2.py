# Written by protos/generate.py from monitoring.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "monitoring.proto",
    b'\n\x10monitoring.proto\x12\x1devent_store.client.monitoring"g\n\x08StatsReq\x12!\n'
    b'\x0cuse_metadata\x18\x01 \x01(\x08R\x0buseMetadata\x128\n\x19refresh_time_period_in_ms\x18\x04 '
    b'\x01(\x04R\x15refreshTimePeriodInMs"\x90\x01\n\tStatsResp\x12I\n\x05stats\x18\x01 \x03(\x0b23.event_'
    b'store.client.monitoring.StatsResp.StatsEntryR\x05stats\x1a8\n\nStatsEntr'
    b'y\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\tR\x05value:\x028\x012j\n\nMonitoring\x12\\\n\x05S'
    b"tats\x12'.event_store.client.monitoring.StatsReq\x1a(.event_store.clie"
    b'nt.monitoring.StatsResp0\x01b\x06proto3'
)
StatsReq = message_class(DESCRIPTOR.message_types_by_name["StatsReq"])
StatsResp = message_class(DESCRIPTOR.message_types_by_name["StatsResp"])
