# Written by protos/generate.py from serverfeatures.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import shared_pb2

DESCRIPTOR = add_file(
    POOL,
    "serverfeatures.proto",
    b'\n\x14serverfeatures.proto\x12"event_store.client.server_features\x1a\x0cshar'
    b'ed.proto"\x9e\x01\n\x10SupportedMethods\x12M\n\x07methods\x18\x01 \x03(\x0b23.event_store.cli'
    b'ent.server_features.SupportedMethodR\x07methods\x12;\n\x1aevent_store_serv'
    b'er_version\x18\x02 \x01(\tR\x17eventStoreServerVersion"q\n\x0fSupportedMethod\x12\x1f\n\x0b'
    b'method_name\x18\x01 \x01(\tR\nmethodName\x12!\n\x0cservice_name\x18\x02 \x01(\tR\x0bserviceName'
    b'\x12\x1a\n\x08features\x18\x03 \x03(\tR\x08features2x\n\x0eServerFeatures\x12f\n\x13GetSupportedMe'
    b'thods\x12\x19.event_store.client.Empty\x1a4.event_store.client.server_fea'
    b'tures.SupportedMethodsb\x06proto3'
)
SupportedMethods = message_class(DESCRIPTOR.message_types_by_name["SupportedMethods"])
SupportedMethod = message_class(DESCRIPTOR.message_types_by_name["SupportedMethod"])
