# Written by protos/generate.py from operations.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import shared_pb2

DESCRIPTOR = add_file(
    POOL,
    "operations.proto",
    b'\n\x10operations.proto\x12\x1devent_store.client.operations\x1a\x0cshared.proto"'
    b'\xbd\x01\n\x10StartScavengeReq\x12Q\n\x07options\x18\x01 \x01(\x0b27.event_store.client.opera'
    b'tions.StartScavengeReq.OptionsR\x07options\x1aV\n\x07Options\x12!\n\x0cthread_cou'
    b'nt\x18\x01 \x01(\x05R\x0bthreadCount\x12(\n\x10start_from_chunk\x18\x02 \x01(\x05R\x0estartFromChunk"'
    b'\x8f\x01\n\x0fStopScavengeReq\x12P\n\x07options\x18\x01 \x01(\x0b26.event_store.client.operat'
    b'ions.StopScavengeReq.OptionsR\x07options\x1a*\n\x07Options\x12\x1f\n\x0bscavenge_id\x18'
    b'\x01 \x01(\tR\nscavengeId"\xd0\x01\n\x0cScavengeResp\x12\x1f\n\x0bscavenge_id\x18\x01 \x01(\tR\nscaveng'
    b'eId\x12c\n\x0fscavenge_result\x18\x02 \x01(\x0e2:.event_store.client.operations.Sca'
    b'vengeResp.ScavengeResultR\x0escavengeResult":\n\x0eScavengeResult\x12\x0b\n\x07St'
    b'arted\x10\x00\x12\x0e\n\nInProgress\x10\x01\x12\x0b\n\x07Stopped\x10\x02"0\n\x12SetNodePriorityReq\x12\x1a\n\x08pr'
    b'iority\x18\x01 \x01(\x05R\x08priority2\xed\x04\n\nOperations\x12m\n\rStartScavenge\x12/.event_s'
    b'tore.client.operations.StartScavengeReq\x1a+.event_store.client.ope'
    b'rations.ScavengeResp\x12k\n\x0cStopScavenge\x12..event_store.client.operat'
    b'ions.StopScavengeReq\x1a+.event_store.client.operations.ScavengeRes'
    b'p\x12@\n\x08Shutdown\x12\x19.event_store.client.Empty\x1a\x19.event_store.client.Em'
    b'pty\x12D\n\x0cMergeIndexes\x12\x19.event_store.client.Empty\x1a\x19.event_store.cli'
    b'ent.Empty\x12B\n\nResignNode\x12\x19.event_store.client.Empty\x1a\x19.event_store'
    b'.client.Empty\x12_\n\x0fSetNodePriority\x121.event_store.client.operations'
    b'.SetNodePriorityReq\x1a\x19.event_store.client.Empty\x12V\n\x1eRestartPersist'
    b'entSubscriptions\x12\x19.event_store.client.Empty\x1a\x19.event_store.client'
    b'.Emptyb\x06proto3'
)
StartScavengeReq = message_class(DESCRIPTOR.message_types_by_name["StartScavengeReq"])
StopScavengeReq = message_class(DESCRIPTOR.message_types_by_name["StopScavengeReq"])
ScavengeResp = message_class(DESCRIPTOR.message_types_by_name["ScavengeResp"])
SetNodePriorityReq = message_class(DESCRIPTOR.message_types_by_name["SetNodePriorityReq"])
