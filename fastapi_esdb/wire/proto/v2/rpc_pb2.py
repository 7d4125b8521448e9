# Written by protos/generate.py from kurrent/rpc/rpc.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import code_pb2

DESCRIPTOR = add_file(
    POOL,
    "kurrent/rpc/rpc.proto",
    b'\n\x15kurrent/rpc/rpc.proto\x12\x0bkurrent.rpc\x1a\x15google/rpc/code.proto"c\n\rE'
    b'rrorMetadata\x121\n\x0bstatus_code\x18\x01 \x01(\x0e2\x10.google.rpc.CodeR\nstatusCode\x12'
    b'\x1f\n\x0bhas_details\x18\x02 \x01(\x08R\nhasDetailsb\x06proto3'
)
ErrorMetadata = message_class(DESCRIPTOR.message_types_by_name["ErrorMetadata"])
