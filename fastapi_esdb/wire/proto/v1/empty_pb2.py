# Written by protos/generate.py from google/protobuf/empty.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "google/protobuf/empty.proto",
    b'\n\x1bgoogle/protobuf/empty.proto\x12\x0fgoogle.protobuf"\x07\n\x05EmptyB}\n\x13com.g'
    b'oogle.protobufB\nEmptyProtoP\x01Z.google.golang.org/protobuf/types/k'
    b'nown/emptypb\xf8\x01\x01\xa2\x02\x03GPB\xaa\x02\x1eGoogle.Protobuf.WellKnownTypesb\x06proto3'
)
Empty = message_class(DESCRIPTOR.message_types_by_name["Empty"])
