# Written by protos/generate.py from kurrentdb/protocol/v2/streams/shared.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "kurrentdb/protocol/v2/streams/shared.proto",
    b'\n*kurrentdb/protocol/v2/streams/shared.proto\x12\x1dkurrentdb.protocol'
    b'.v2.streams"u\n\nSchemaInfo\x12C\n\x06format\x18\x01 \x01(\x0e2+.kurrentdb.protocol.v'
    b'2.streams.SchemaFormatR\x06format\x12\x12\n\x04name\x18\x02 \x01(\tR\x04name\x12\x0e\n\x02id\x18\x03 \x01(\tR\x02'
    b'id"D\n\x0eStreamRevision\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream\x12\x1a\n\x08revision\x18\x02 \x01(\x12R\x08'
    b'revision*\x92\x01\n\x0cSchemaFormat\x12\x1d\n\x19SCHEMA_FORMAT_UNSPECIFIED\x10\x00\x12\x16\n\x12SCHE'
    b'MA_FORMAT_JSON\x10\x01\x12\x1a\n\x16SCHEMA_FORMAT_PROTOBUF\x10\x02\x12\x16\n\x12SCHEMA_FORMAT_AV'
    b'RO\x10\x03\x12\x17\n\x13SCHEMA_FORMAT_BYTES\x10\x04b\x08editionsp\xe8\x07'
)
SchemaInfo = message_class(DESCRIPTOR.message_types_by_name["SchemaInfo"])
StreamRevision = message_class(DESCRIPTOR.message_types_by_name["StreamRevision"])
SchemaFormat = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["SchemaFormat"])
SCHEMA_FORMAT_UNSPECIFIED = 0
SCHEMA_FORMAT_JSON = 1
SCHEMA_FORMAT_PROTOBUF = 2
SCHEMA_FORMAT_AVRO = 3
SCHEMA_FORMAT_BYTES = 4
