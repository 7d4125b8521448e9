# Written by protos/generate.py from gossip.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import shared_pb2

DESCRIPTOR = add_file(
    POOL,
    "gossip.proto",
    b'\n\x0cgossip.proto\x12\x19event_store.client.gossip\x1a\x0cshared.proto"N\n\x0bClust'
    b'erInfo\x12?\n\x07members\x18\x01 \x03(\x0b2%.event_store.client.gossip.MemberInfoR\x07'
    b'members"8\n\x08EndPoint\x12\x18\n\x07address\x18\x01 \x01(\tR\x07address\x12\x12\n\x04port\x18\x02 \x01(\rR\x04por'
    b't"\xb1\x04\n\nMemberInfo\x129\n\x0binstance_id\x18\x01 \x01(\x0b2\x18.event_store.client.UUIDR'
    b'\ninstanceId\x12\x1d\n\ntime_stamp\x18\x02 \x01(\x03R\ttimeStamp\x12F\n\x05state\x18\x03 \x01(\x0e20.even'
    b't_store.client.gossip.MemberInfo.VNodeStateR\x05state\x12\x19\n\x08is_alive\x18\x04'
    b' \x01(\x08R\x07isAlive\x12I\n\x0ehttp_end_point\x18\x05 \x01(\x0b2#.event_store.client.gossi'
    b'p.EndPointR\x0chttpEndPoint"\x9a\x02\n\nVNodeState\x12\x10\n\x0cInitializing\x10\x00\x12\x12\n\x0eDis'
    b'coverLeader\x10\x01\x12\x0b\n\x07Unknown\x10\x02\x12\x0e\n\nPreReplica\x10\x03\x12\x0e\n\nCatchingUp\x10\x04\x12\t\n\x05Cl'
    b'one\x10\x05\x12\x0c\n\x08Follower\x10\x06\x12\r\n\tPreLeader\x10\x07\x12\n\n\x06Leader\x10\x08\x12\x0b\n\x07Manager\x10\t\x12\x10\n\x0cS'
    b'huttingDown\x10\n\x12\x0c\n\x08Shutdown\x10\x0b\x12\x16\n\x12ReadOnlyLeaderless\x10\x0c\x12\x16\n\x12PreReadOn'
    b'lyReplica\x10\r\x12\x13\n\x0fReadOnlyReplica\x10\x0e\x12\x13\n\x0fResigningLeader\x10\x0f2S\n\x06Gossip\x12'
    b'I\n\x04Read\x12\x19.event_store.client.Empty\x1a&.event_store.client.gossip.C'
    b'lusterInfob\x06proto3'
)
ClusterInfo = message_class(DESCRIPTOR.message_types_by_name["ClusterInfo"])
EndPoint = message_class(DESCRIPTOR.message_types_by_name["EndPoint"])
MemberInfo = message_class(DESCRIPTOR.message_types_by_name["MemberInfo"])
