# Written by protos/generate.py from google/protobuf/duration.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "google/protobuf/duration.proto",
    b'\n\x1egoogle/protobuf/duration.proto\x12\x0fgoogle.protobuf":\n\x08Duration\x12\x18\n'
    b'\x07seconds\x18\x01 \x01(\x03R\x07seconds\x12\x14\n\x05nanos\x18\x02 \x01(\x05R\x05nanosB\x83\x01\n\x13com.google.pro'
    b'tobufB\rDurationProtoP\x01Z1google.golang.org/protobuf/types/known/d'
    b'urationpb\xf8\x01\x01\xa2\x02\x03GPB\xaa\x02\x1eGoogle.Protobuf.WellKnownTypesb\x06proto3'
)
Duration = message_class(DESCRIPTOR.message_types_by_name["Duration"])
