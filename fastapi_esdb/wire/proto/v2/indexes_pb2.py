# Written by protos/generate.py from kurrentdb/protocol/v2/indexes/indexes.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "kurrentdb/protocol/v2/indexes/indexes.proto",
    b'\n+kurrentdb/protocol/v2/indexes/indexes.proto\x12\x1dkurrentdb.protoco'
    b'l.v2.indexes"\x99\x01\n\x12CreateIndexRequest\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x16\n\x06filte'
    b'r\x18\x02 \x01(\tR\x06filter\x12A\n\x06fields\x18\x04 \x03(\x0b2).kurrentdb.protocol.v2.indexes.'
    b'IndexFieldR\x06fields\x12\x14\n\x05start\x18\x05 \x01(\x08R\x05start"\x15\n\x13CreateIndexResponse"'
    b'\'\n\x11StartIndexRequest\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name"\x14\n\x12StartIndexResponse"&'
    b'\n\x10StopIndexRequest\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name"\x13\n\x11StopIndexResponse"(\n\x12D'
    b'eleteIndexRequest\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name"\x15\n\x13DeleteIndexResponse"\x14\n\x12'
    b'ListIndexesRequest"U\n\x13ListIndexesResponse\x12>\n\x07indexes\x18\x01 \x03(\x0b2$.kur'
    b'rentdb.protocol.v2.indexes.IndexR\x07indexes"%\n\x0fGetIndexRequest\x12\x12\n\x04'
    b'name\x18\x01 \x01(\tR\x04name"N\n\x10GetIndexResponse\x12:\n\x05index\x18\x01 \x01(\x0b2$.kurrentdb.'
    b'protocol.v2.indexes.IndexR\x05index"\xb7\x01\n\x05Index\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x16'
    b'\n\x06filter\x18\x02 \x01(\tR\x06filter\x12A\n\x06fields\x18\x03 \x03(\x0b2).kurrentdb.protocol.v2.i'
    b'ndexes.IndexFieldR\x06fields\x12?\n\x05state\x18\x04 \x01(\x0e2).kurrentdb.protocol.v2'
    b'.indexes.IndexStateR\x05state"\x7f\n\nIndexField\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name\x12\x1a\n\x08'
    b'selector\x18\x02 \x01(\tR\x08selector\x12A\n\x04type\x18\x04 \x01(\x0e2-.kurrentdb.protocol.v2.i'
    b'ndexes.IndexFieldTypeR\x04type*\xa6\x01\n\x0eIndexFieldType\x12 \n\x1cINDEX_FIELD_TY'
    b'PE_UNSPECIFIED\x10\x00\x12\x1b\n\x17INDEX_FIELD_TYPE_STRING\x10\x01\x12\x1b\n\x17INDEX_FIELD_TYP'
    b'E_DOUBLE\x10\x02\x12\x1b\n\x17INDEX_FIELD_TYPE_INT_32\x10\x04\x12\x1b\n\x17INDEX_FIELD_TYPE_INT_'
    b'64\x10\x05*t\n\nIndexState\x12\x1b\n\x17INDEX_STATE_UNSPECIFIED\x10\x00\x12\x17\n\x13INDEX_STATE_S'
    b'TARTED\x10\x01\x12\x17\n\x13INDEX_STATE_STOPPED\x10\x02\x12\x17\n\x13INDEX_STATE_DELETED\x10\x032\xa2\x05\n\x0eI'
    b'ndexesService\x12o\n\x06Create\x121.kurrentdb.protocol.v2.indexes.CreateIn'
    b'dexRequest\x1a2.kurrentdb.protocol.v2.indexes.CreateIndexResponse\x12l'
    b'\n\x05Start\x120.kurrentdb.protocol.v2.indexes.StartIndexRequest\x1a1.kurr'
    b'entdb.protocol.v2.indexes.StartIndexResponse\x12i\n\x04Stop\x12/.kurrentdb'
    b'.protocol.v2.indexes.StopIndexRequest\x1a0.kurrentdb.protocol.v2.in'
    b'dexes.StopIndexResponse\x12o\n\x06Delete\x121.kurrentdb.protocol.v2.indexe'
    b's.DeleteIndexRequest\x1a2.kurrentdb.protocol.v2.indexes.DeleteIndex'
    b'Response\x12m\n\x04List\x121.kurrentdb.protocol.v2.indexes.ListIndexesRequ'
    b'est\x1a2.kurrentdb.protocol.v2.indexes.ListIndexesResponse\x12f\n\x03Get\x12.'
    b'.kurrentdb.protocol.v2.indexes.GetIndexRequest\x1a/.kurrentdb.proto'
    b'col.v2.indexes.GetIndexResponseb\x08editionsp\xe8\x07'
)
CreateIndexRequest = message_class(DESCRIPTOR.message_types_by_name["CreateIndexRequest"])
CreateIndexResponse = message_class(DESCRIPTOR.message_types_by_name["CreateIndexResponse"])
StartIndexRequest = message_class(DESCRIPTOR.message_types_by_name["StartIndexRequest"])
StartIndexResponse = message_class(DESCRIPTOR.message_types_by_name["StartIndexResponse"])
StopIndexRequest = message_class(DESCRIPTOR.message_types_by_name["StopIndexRequest"])
StopIndexResponse = message_class(DESCRIPTOR.message_types_by_name["StopIndexResponse"])
DeleteIndexRequest = message_class(DESCRIPTOR.message_types_by_name["DeleteIndexRequest"])
DeleteIndexResponse = message_class(DESCRIPTOR.message_types_by_name["DeleteIndexResponse"])
ListIndexesRequest = message_class(DESCRIPTOR.message_types_by_name["ListIndexesRequest"])
ListIndexesResponse = message_class(DESCRIPTOR.message_types_by_name["ListIndexesResponse"])
GetIndexRequest = message_class(DESCRIPTOR.message_types_by_name["GetIndexRequest"])
GetIndexResponse = message_class(DESCRIPTOR.message_types_by_name["GetIndexResponse"])
Index = message_class(DESCRIPTOR.message_types_by_name["Index"])
IndexField = message_class(DESCRIPTOR.message_types_by_name["IndexField"])
IndexFieldType = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["IndexFieldType"])
INDEX_FIELD_TYPE_UNSPECIFIED = 0
INDEX_FIELD_TYPE_STRING = 1
INDEX_FIELD_TYPE_DOUBLE = 2
INDEX_FIELD_TYPE_INT_32 = 4
INDEX_FIELD_TYPE_INT_64 = 5
IndexState = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["IndexState"])
INDEX_STATE_UNSPECIFIED = 0
INDEX_STATE_STARTED = 1
INDEX_STATE_STOPPED = 2
INDEX_STATE_DELETED = 3
