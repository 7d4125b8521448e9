# Written by protos/generate.py from kurrentdb/protocol/v2/streams/streams.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import struct_pb2
from . import streams_shared_pb2

DESCRIPTOR = add_file(
    POOL,
    "kurrentdb/protocol/v2/streams/streams.proto",
    b'\n+kurrentdb/protocol/v2/streams/streams.proto\x12\x1dkurrentdb.protoco'
    b'l.v2.streams\x1a\x1cgoogle/protobuf/struct.proto\x1a*kurrentdb/protocol/v'
    b'2/streams/shared.proto"\x9b\x01\n\rAppendRequest\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream'
    b'\x12E\n\x07records\x18\x02 \x03(\x0b2+.kurrentdb.protocol.v2.streams.AppendRecordR\x07'
    b'records\x12+\n\x11expected_revision\x18\x03 \x01(\x12R\x10expectedRevision"m\n\x0eAppendRe'
    b"sponse\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream\x12'\n\x0fstream_revision\x18\x02 \x01(\x12R\x0estreamR"
    b'evision\x12\x1a\n\x08position\x18\x03 \x01(\x12R\x08position"z\n\x15AppendSessionResponse\x12E\n\x06'
    b'output\x18\x01 \x03(\x0b2-.kurrentdb.protocol.v2.streams.AppendResponseR\x06out'
    b'put\x12\x1a\n\x08position\x18\x02 \x01(\x12R\x08position"\xce\x02\n\x0cAppendRecord\x12\x1b\n\trecord_id\x18\x01 '
    b'\x01(\tR\x08recordId\x12[\n\nproperties\x18\x02 \x03(\x0b2;.kurrentdb.protocol.v2.stream'
    b's.AppendRecord.PropertiesEntryR\nproperties\x12A\n\x06schema\x18\x03 \x01(\x0b2).kur'
    b'rentdb.protocol.v2.streams.SchemaInfoR\x06schema\x12\x12\n\x04data\x18\x04 \x01(\x0cR\x04dat'
    b'a\x12\x16\n\x06stream\x18\x05 \x01(\tR\x06stream\x1aU\n\x0fPropertiesEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12,'
    b'\n\x05value\x18\x02 \x01(\x0b2\x16.google.protobuf.ValueR\x05value:\x028\x01"\xa6\x01\n\x14AppendRecor'
    b'dsRequest\x12E\n\x07records\x18\x01 \x03(\x0b2+.kurrentdb.protocol.v2.streams.Appen'
    b'dRecordR\x07records\x12G\n\x06checks\x18\x02 \x03(\x0b2/.kurrentdb.protocol.v2.streams'
    b'.ConsistencyCheckR\x06checks"\x80\x01\n\x15AppendRecordsResponse\x12K\n\trevisions'
    b'\x18\x01 \x03(\x0b2-.kurrentdb.protocol.v2.streams.StreamRevisionR\trevisions'
    b'\x12\x1a\n\x08position\x18\x02 \x01(\x12R\x08position"\xd4\x01\n\x10ConsistencyCheck\x12e\n\x0cstream_stat'
    b'e\x18\x01 \x01(\x0b2@.kurrentdb.protocol.v2.streams.ConsistencyCheck.StreamS'
    b'tateCheckH\x00R\x0bstreamState\x1aQ\n\x10StreamStateCheck\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06st'
    b'ream\x12%\n\x0eexpected_state\x18\x02 \x01(\x12R\rexpectedStateB\x06\n\x04type*\xdc\x01\n\x19Expected'
    b'RevisionConstants\x12,\n(EXPECTED_REVISION_CONSTANTS_SINGLE_EVENT\x10\x00\x12'
    b'2\n%EXPECTED_REVISION_CONSTANTS_NO_STREAM\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12,\n\x1fEXPECTED_'
    b'REVISION_CONSTANTS_ANY\x10\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12/\n"EXPECTED_REVISION_CONSTANTS'
    b'_EXISTS\x10\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x012\x83\x02\n\x0eStreamsService\x12u\n\rAppendSession\x12,.kurrent'
    b'db.protocol.v2.streams.AppendRequest\x1a4.kurrentdb.protocol.v2.str'
    b'eams.AppendSessionResponse(\x01\x12z\n\rAppendRecords\x123.kurrentdb.protoc'
    b'ol.v2.streams.AppendRecordsRequest\x1a4.kurrentdb.protocol.v2.strea'
    b'ms.AppendRecordsResponseb\x08editionsp\xe8\x07'
)
AppendRequest = message_class(DESCRIPTOR.message_types_by_name["AppendRequest"])
AppendResponse = message_class(DESCRIPTOR.message_types_by_name["AppendResponse"])
AppendSessionResponse = message_class(DESCRIPTOR.message_types_by_name["AppendSessionResponse"])
AppendRecord = message_class(DESCRIPTOR.message_types_by_name["AppendRecord"])
AppendRecordsRequest = message_class(DESCRIPTOR.message_types_by_name["AppendRecordsRequest"])
AppendRecordsResponse = message_class(DESCRIPTOR.message_types_by_name["AppendRecordsResponse"])
ConsistencyCheck = message_class(DESCRIPTOR.message_types_by_name["ConsistencyCheck"])
ExpectedRevisionConstants = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["ExpectedRevisionConstants"])
EXPECTED_REVISION_CONSTANTS_SINGLE_EVENT = 0
EXPECTED_REVISION_CONSTANTS_NO_STREAM = -1
EXPECTED_REVISION_CONSTANTS_ANY = -2
EXPECTED_REVISION_CONSTANTS_EXISTS = -4
