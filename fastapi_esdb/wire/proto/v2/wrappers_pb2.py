# Written by protos/generate.py from google/protobuf/wrappers.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "google/protobuf/wrappers.proto",
    b'\n\x1egoogle/protobuf/wrappers.proto\x12\x0fgoogle.protobuf"#\n\x0bDoubleValue'
    b'\x12\x14\n\x05value\x18\x01 \x01(\x01R\x05value""\n\nFloatValue\x12\x14\n\x05value\x18\x01 \x01(\x02R\x05value""\n\nIn'
    b't64Value\x12\x14\n\x05value\x18\x01 \x01(\x03R\x05value"#\n\x0bUInt64Value\x12\x14\n\x05value\x18\x01 \x01(\x04R\x05va'
    b'lue""\n\nInt32Value\x12\x14\n\x05value\x18\x01 \x01(\x05R\x05value"#\n\x0bUInt32Value\x12\x14\n\x05value\x18'
    b'\x01 \x01(\rR\x05value"!\n\tBoolValue\x12\x14\n\x05value\x18\x01 \x01(\x08R\x05value"#\n\x0bStringValue\x12\x14'
    b'\n\x05value\x18\x01 \x01(\tR\x05value""\n\nBytesValue\x12\x14\n\x05value\x18\x01 \x01(\x0cR\x05valueB\x83\x01\n\x13com'
    b'.google.protobufB\rWrappersProtoP\x01Z1google.golang.org/protobuf/ty'
    b'pes/known/wrapperspb\xf8\x01\x01\xa2\x02\x03GPB\xaa\x02\x1eGoogle.Protobuf.WellKnownTypesb\x06'
    b'proto3'
)
DoubleValue = message_class(DESCRIPTOR.message_types_by_name["DoubleValue"])
FloatValue = message_class(DESCRIPTOR.message_types_by_name["FloatValue"])
Int64Value = message_class(DESCRIPTOR.message_types_by_name["Int64Value"])
UInt64Value = message_class(DESCRIPTOR.message_types_by_name["UInt64Value"])
Int32Value = message_class(DESCRIPTOR.message_types_by_name["Int32Value"])
UInt32Value = message_class(DESCRIPTOR.message_types_by_name["UInt32Value"])
BoolValue = message_class(DESCRIPTOR.message_types_by_name["BoolValue"])
StringValue = message_class(DESCRIPTOR.message_types_by_name["StringValue"])
BytesValue = message_class(DESCRIPTOR.message_types_by_name["BytesValue"])
