# Written by protos/generate.py from status.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import code_pb2
from . import any_pb2

DESCRIPTOR = add_file(
    POOL,
    "status.proto",
    b'\n\x0cstatus.proto\x12\ngoogle.rpc\x1a\ncode.proto\x1a\x19google/protobuf/any.prot'
    b'o"x\n\x06Status\x12$\n\x04code\x18\x01 \x01(\x0e2\x10.google.rpc.CodeR\x04code\x12\x18\n\x07message\x18\x02 \x01'
    b'(\tR\x07message\x12.\n\x07details\x18\x03 \x01(\x0b2\x14.google.protobuf.AnyR\x07detailsb\x06pro'
    b'to3'
)
Status = message_class(DESCRIPTOR.message_types_by_name["Status"])
