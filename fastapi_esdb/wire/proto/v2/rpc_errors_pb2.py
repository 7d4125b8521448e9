# Written by protos/generate.py from kurrent/rpc/errors.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "kurrent/rpc/errors.proto",
    b'\n\x18kurrent/rpc/errors.proto\x12\x0bkurrent.rpc"\x9a\x01\n\x18AccessDeniedErrorDet'
    b'ails\x12\x1c\n\toperation\x18\x01 \x01(\tR\toperation\x12\x1f\n\x08username\x18\x02 \x01(\tH\x00R\x08username'
    b'\x88\x01\x01\x12#\n\npermission\x18\x03 \x01(\tH\x01R\npermission\x88\x01\x01B\x0b\n\t_usernameB\r\n\x0b_permis'
    b'sion"\xd1\x01\n\x19NotLeaderNodeErrorDetails\x12V\n\x0ecurrent_leader\x18\x01 \x01(\x0b2/.kur'
    b'rent.rpc.NotLeaderNodeErrorDetails.NodeInfoR\rcurrentLeader\x1a\\\n\x08No'
    b'deInfo\x12\x12\n\x04host\x18\x01 \x01(\tR\x04host\x12\x12\n\x04port\x18\x02 \x01(\x05R\x04port\x12\x1c\n\x07node_id\x18\x03 \x01(\tH'
    b'\x00R\x06nodeId\x88\x01\x01B\n\n\x08_node_id*\x8e\x02\n\x0bServerError\x12\x0f\n\x0bUNSPECIFIED\x10\x00\x12\x1e\n\x1aSER'
    b'VER_ERROR_ACCESS_DENIED\x10\x01\x12\x1c\n\x18SERVER_ERROR_BAD_REQUEST\x10\x02\x12 \n\x1cSERVE'
    b'R_ERROR_NOT_LEADER_NODE\x10\x05\x12"\n\x1eSERVER_ERROR_OPERATION_TIMEOUT\x10\x06\x12!\n'
    b'\x1dSERVER_ERROR_SERVER_NOT_READY\x10\x07\x12"\n\x1eSERVER_ERROR_SERVER_OVERLOAD'
    b'ED\x10\x08\x12#\n\x1fSERVER_ERROR_SERVER_MALFUNCTION\x10\tb\x06proto3'
)
AccessDeniedErrorDetails = message_class(DESCRIPTOR.message_types_by_name["AccessDeniedErrorDetails"])
NotLeaderNodeErrorDetails = message_class(DESCRIPTOR.message_types_by_name["NotLeaderNodeErrorDetails"])
ServerError = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["ServerError"])
UNSPECIFIED = 0
SERVER_ERROR_ACCESS_DENIED = 1
SERVER_ERROR_BAD_REQUEST = 2
SERVER_ERROR_NOT_LEADER_NODE = 5
SERVER_ERROR_OPERATION_TIMEOUT = 6
SERVER_ERROR_SERVER_NOT_READY = 7
SERVER_ERROR_SERVER_OVERLOADED = 8
SERVER_ERROR_SERVER_MALFUNCTION = 9
