# Written by protos/generate.py from kurrentdb/protocol/v2/registry/registry.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import duration_pb2
from . import field_mask_pb2
from . import timestamp_pb2
from . import wrappers_pb2

DESCRIPTOR = add_file(
    POOL,
    "kurrentdb/protocol/v2/registry/registry.proto",
    b'\n-kurrentdb/protocol/v2/registry/registry.proto\x12\x1ekurrentdb.proto'
    b'col.registry.v2\x1a\x1egoogle/protobuf/duration.proto\x1a google/protobuf'
    b'/field_mask.proto\x1a\x1fgoogle/protobuf/timestamp.proto\x1a\x1egoogle/proto'
    b'buf/wrappers.proto"\xe3\x02\n\rSchemaDetails\x12Q\n\x0bdata_format\x18\x01 \x01(\x0e20.kurr'
    b'entdb.protocol.registry.v2.SchemaDataFormatR\ndataFormat\x12W\n\rcompa'
    b'tibility\x18\x02 \x01(\x0e21.kurrentdb.protocol.registry.v2.CompatibilityMod'
    b'eR\rcompatibility\x12 \n\x0bdescription\x18\x03 \x01(\tR\x0bdescription\x12K\n\x04tags\x18\x04 \x03(\x0b'
    b'27.kurrentdb.protocol.registry.v2.SchemaDetails.TagsEntryR\x04tags\x1a'
    b'7\n\tTagsEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\tR\x05value:\x028\x01"\xac\x01\n\x13Cre'
    b'ateSchemaRequest\x12\x1f\n\x0bschema_name\x18\x01 \x01(\tR\nschemaName\x12G\n\x07details\x18\x02 \x01'
    b'(\x0b2-.kurrentdb.protocol.registry.v2.SchemaDetailsR\x07details\x12+\n\x11sc'
    b'hema_definition\x18\x03 \x01(\x0cR\x10schemaDefinition"i\n\x14CreateSchemaResponse\x12'
    b'*\n\x11schema_version_id\x18\x01 \x01(\tR\x0fschemaVersionId\x12%\n\x0eversion_number\x18\x02 '
    b'\x01(\x05R\rversionNumber"\xbc\x01\n\x13UpdateSchemaRequest\x12\x1f\n\x0bschema_name\x18\x01 \x01(\tR'
    b'\nschemaName\x12G\n\x07details\x18\x02 \x01(\x0b2-.kurrentdb.protocol.registry.v2.Sc'
    b'hemaDetailsR\x07details\x12;\n\x0bupdate_mask\x18\x03 \x01(\x0b2\x1a.google.protobuf.Fiel'
    b'dMaskR\nupdateMask"\x16\n\x14UpdateSchemaResponse"6\n\x13DeleteSchemaRequest'
    b'\x12\x1f\n\x0bschema_name\x18\x01 \x01(\tR\nschemaName"\x16\n\x14DeleteSchemaResponse"\x9c\x02\n\x06Sc'
    b'hema\x12\x1f\n\x0bschema_name\x18\x01 \x01(\tR\nschemaName\x12G\n\x07details\x18\x02 \x01(\x0b2-.kurrent'
    b'db.protocol.registry.v2.SchemaDetailsR\x07details\x122\n\x15latest_schema_'
    b'version\x18\x04 \x01(\x05R\x13latestSchemaVersion\x129\n\ncreated_at\x18\x05 \x01(\x0b2\x1a.google.'
    b'protobuf.TimestampR\tcreatedAt\x129\n\nupdated_at\x18\x06 \x01(\x0b2\x1a.google.proto'
    b'buf.TimestampR\tupdatedAt"3\n\x10GetSchemaRequest\x12\x1f\n\x0bschema_name\x18\x01 \x01('
    b'\tR\nschemaName"S\n\x11GetSchemaResponse\x12>\n\x06schema\x18\x01 \x01(\x0b2&.kurrentdb.p'
    b'rotocol.registry.v2.SchemaR\x06schema"\xe6\x01\n\x12ListSchemasRequest\x12,\n\x12sch'
    b'ema_name_prefix\x18\x01 \x01(\tR\x10schemaNamePrefix\x12c\n\x0bschema_tags\x18\x02 \x03(\x0b2B.k'
    b'urrentdb.protocol.registry.v2.ListSchemasRequest.SchemaTagsEntry'
    b'R\nschemaTags\x1a=\n\x0fSchemaTagsEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\t'
    b'R\x05value:\x028\x01"W\n\x13ListSchemasResponse\x12@\n\x07schemas\x18\x01 \x03(\x0b2&.kurrentdb.'
    b'protocol.registry.v2.SchemaR\x07schemas"E\n\x17LookupSchemaNameRequest\x12'
    b'*\n\x11schema_version_id\x18\x01 \x01(\tR\x0fschemaVersionId";\n\x18LookupSchemaNameR'
    b'esponse\x12\x1f\n\x0bschema_name\x18\x01 \x01(\tR\nschemaName"l\n\x1cRegisterSchemaVersio'
    b'nRequest\x12\x1f\n\x0bschema_name\x18\x01 \x01(\tR\nschemaName\x12+\n\x11schema_definition\x18\x02'
    b' \x01(\x0cR\x10schemaDefinition"r\n\x1dRegisterSchemaVersionResponse\x12*\n\x11schem'
    b'a_version_id\x18\x01 \x01(\tR\x0fschemaVersionId\x12%\n\x0eversion_number\x18\x02 \x01(\x05R\rver'
    b'sionNumber"Z\n\x1bDeleteSchemaVersionsRequest\x12\x1f\n\x0bschema_name\x18\x01 \x01(\tR\n'
    b'schemaName\x12\x1a\n\x08versions\x18\x02 \x03(\x05R\x08versions"\xc4\x01\n\x1cDeleteSchemaVersionsR'
    b'esponse\x12g\n\x06errors\x18\x01 \x03(\x0b2O.kurrentdb.protocol.registry.v2.DeleteS'
    b'chemaVersionsResponse.SchemaVersionErrorR\x06errors\x1a;\n\x12SchemaVersio'
    b'nError\x12%\n\x0eversion_number\x18\x01 \x01(\x05R\rversionNumber"\xa3\x02\n\rSchemaVersion\x12'
    b'*\n\x11schema_version_id\x18\x01 \x01(\tR\x0fschemaVersionId\x12%\n\x0eversion_number\x18\x02 '
    b'\x01(\x05R\rversionNumber\x12+\n\x11schema_definition\x18\x03 \x01(\x0cR\x10schemaDefinition\x12'
    b'Q\n\x0bdata_format\x18\x04 \x01(\x0e20.kurrentdb.protocol.registry.v2.SchemaData'
    b'FormatR\ndataFormat\x12?\n\rregistered_at\x18\x05 \x01(\x0b2\x1a.google.protobuf.Time'
    b'stampR\x0cregisteredAt"a\n\x17GetSchemaVersionRequest\x12\x1f\n\x0bschema_name\x18\x01 '
    b'\x01(\tR\nschemaName\x12%\n\x0eversion_number\x18\x02 \x01(\x05R\rversionNumber"c\n\x18GetSch'
    b'emaVersionResponse\x12G\n\x07version\x18\x01 \x01(\x0b2-.kurrentdb.protocol.registr'
    b'y.v2.SchemaVersionR\x07version"I\n\x1bGetSchemaVersionByIdRequest\x12*\n\x11sc'
    b'hema_version_id\x18\x01 \x01(\tR\x0fschemaVersionId"g\n\x1cGetSchemaVersionByIdRe'
    b'sponse\x12G\n\x07version\x18\x01 \x01(\x0b2-.kurrentdb.protocol.registry.v2.SchemaV'
    b'ersionR\x07version"k\n\x19ListSchemaVersionsRequest\x12\x1f\n\x0bschema_name\x18\x01 \x01('
    b'\tR\nschemaName\x12-\n\x12include_definition\x18\x02 \x01(\x08R\x11includeDefinition"g\n\x1a'
    b'ListSchemaVersionsResponse\x12I\n\x08versions\x18\x01 \x03(\x0b2-.kurrentdb.protoco'
    b'l.registry.v2.SchemaVersionR\x08versions"\xa9\x04\n\x10RegisteredSchema\x12\x1f\n\x0bsc'
    b'hema_name\x18\x01 \x01(\tR\nschemaName\x12*\n\x11schema_version_id\x18\x02 \x01(\tR\x0fschemaVe'
    b'rsionId\x12%\n\x0eversion_number\x18\x03 \x01(\x05R\rversionNumber\x12+\n\x11schema_definit'
    b'ion\x18\x04 \x01(\x0cR\x10schemaDefinition\x12Q\n\x0bdata_format\x18\x05 \x01(\x0e20.kurrentdb.pro'
    b'tocol.registry.v2.SchemaDataFormatR\ndataFormat\x12W\n\rcompatibility\x18'
    b'\x06 \x01(\x0e21.kurrentdb.protocol.registry.v2.CompatibilityModeR\rcompat'
    b'ibility\x12N\n\x04tags\x18\x07 \x03(\x0b2:.kurrentdb.protocol.registry.v2.Registere'
    b'dSchema.TagsEntryR\x04tags\x12?\n\rregistered_at\x18\x08 \x01(\x0b2\x1a.google.protobuf'
    b'.TimestampR\x0cregisteredAt\x1a7\n\tTagsEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value'
    b'\x18\x02 \x01(\tR\x05value:\x028\x01"\xd5\x02\n\x1cListRegisteredSchemasRequest\x12*\n\x11schema_ver'
    b'sion_id\x18\x01 \x01(\tR\x0fschemaVersionId\x12,\n\x12schema_name_prefix\x18\x02 \x01(\tR\x10sche'
    b'maNamePrefix\x12m\n\x0bschema_tags\x18\x03 \x03(\x0b2L.kurrentdb.protocol.registry.'
    b'v2.ListRegisteredSchemasRequest.SchemaTagsEntryR\nschemaTags\x12-\n\x12i'
    b'nclude_definition\x18\x04 \x01(\x08R\x11includeDefinition\x1a=\n\x0fSchemaTagsEntry\x12\x10\n'
    b'\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\tR\x05value:\x028\x01"k\n\x1dListRegisteredSchem'
    b'asResponse\x12J\n\x07schemas\x18\x01 \x03(\x0b20.kurrentdb.protocol.registry.v2.Reg'
    b'isteredSchemaR\x07schemas"\xb0\x01\n\x1aBulkRegisterSchemasRequest\x12O\n\x08request'
    b's\x18\x01 \x03(\x0b23.kurrentdb.protocol.registry.v2.CreateSchemaRequestR\x08re'
    b'quests\x12\x1d\n\nkeep_order\x18\x02 \x01(\x08R\tkeepOrder\x12"\n\rstop_on_error\x18\x03 \x01(\x08R\x0bst'
    b'opOnError"\xa8\x01\n\x1bBulkRegisterSchemasResponse\x125\n\x08duration\x18\x01 \x01(\x0b2\x19.go'
    b'ogle.protobuf.DurationR\x08duration\x12R\n\tresponses\x18\x02 \x03(\x0b24.kurrentdb.'
    b'protocol.registry.v2.CreateSchemaResponseR\tresponses"\xfa\x01\n\x1fCheckSc'
    b'hemaCompatibilityRequest\x12!\n\x0bschema_name\x18\x01 \x01(\tH\x00R\nschemaName\x12,\n\x11s'
    b'chema_version_id\x18\x02 \x01(\tH\x00R\x0fschemaVersionId\x12\x1e\n\ndefinition\x18\x03 \x01(\x0cR\nd'
    b'efinition\x12Q\n\x0bdata_format\x18\x04 \x01(\x0e20.kurrentdb.protocol.registry.v2.'
    b'SchemaDataFormatR\ndataFormatB\x13\n\x11schema_identifier"\x8c\x03\n CheckSchem'
    b'aCompatibilityResponse\x12d\n\x07success\x18\x01 \x01(\x0b2H.kurrentdb.protocol.reg'
    b'istry.v2.CheckSchemaCompatibilityResponse.SuccessH\x00R\x07success\x12d\n\x07'
    b'failure\x18\x02 \x01(\x0b2H.kurrentdb.protocol.registry.v2.CheckSchemaCompat'
    b'ibilityResponse.FailureH\x00R\x07failure\x1a5\n\x07Success\x12*\n\x11schema_version_'
    b'id\x18\x02 \x01(\tR\x0fschemaVersionId\x1a[\n\x07Failure\x12P\n\x06errors\x18\x03 \x03(\x0b28.kurrentdb'
    b'.protocol.registry.v2.SchemaCompatibilityErrorR\x06errorsB\x08\n\x06result'
    b'"\xeb\x01\n\x18SchemaCompatibilityError\x12P\n\x04kind\x18\x01 \x01(\x0e2<.kurrentdb.protocol'
    b'.registry.v2.SchemaCompatibilityErrorKindR\x04kind\x12\x18\n\x07details\x18\x02 \x01(\t'
    b'R\x07details\x12#\n\rproperty_path\x18\x03 \x01(\tR\x0cpropertyPath\x12#\n\roriginal_type\x18'
    b'\x04 \x01(\tR\x0coriginalType\x12\x19\n\x08new_type\x18\x05 \x01(\tR\x07newType"\xec\x01\n\x0bSchemaGroup\x12\x19'
    b'\n\x08group_id\x18\x01 \x01(\tR\x07groupId\x12L\n\x07details\x18\x02 \x01(\x0b22.kurrentdb.protocol.'
    b'registry.v2.SchemaGroupDetailsR\x07details\x129\n\ncreated_at\x18\x05 \x01(\x0b2\x1a.go'
    b'ogle.protobuf.TimestampR\tcreatedAt\x129\n\nupdated_at\x18\x06 \x01(\x0b2\x1a.google.'
    b'protobuf.TimestampR\tupdatedAt"\x9d\x05\n\x12SchemaGroupDetails\x12\x12\n\x04name\x18\x01 \x01'
    b'(\tR\x04name\x12 \n\x0bdescription\x18\x02 \x01(\tR\x0bdescription\x12P\n\x04tags\x18\x03 \x03(\x0b2<.kurre'
    b'ntdb.protocol.registry.v2.SchemaGroupDetails.TagsEntryR\x04tags\x12e\n\x11'
    b'auto_registration\x18\x0b \x01(\x0b28.kurrentdb.protocol.registry.v2.AutoReg'
    b'istrationSettingsR\x10autoRegistration\x12R\n\nvalidation\x18\x0c \x01(\x0b22.kurren'
    b'tdb.protocol.registry.v2.ValidationSettingsR\nvalidation\x12[\n\rcompa'
    b'tibility\x18\r \x01(\x0b25.kurrentdb.protocol.registry.v2.CompatibilitySet'
    b'tingsR\rcompatibility\x12S\n\x0bdata_format\x18\x0e \x01(\x0b22.kurrentdb.protocol.r'
    b'egistry.v2.DataFormatSettingsR\ndataFormat\x12Y\n\rstream_filter\x18\x0f \x01(\x0b'
    b'24.kurrentdb.protocol.registry.v2.StreamFilterSettingsR\x0cstreamFi'
    b'lter\x1a7\n\tTagsEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\tR\x05value:\x028\x01"4\n'
    b'\x18AutoRegistrationSettings\x12\x18\n\x07enabled\x18\x01 \x01(\x08R\x07enabled".\n\x12Validatio'
    b'nSettings\x12\x18\n\x07enabled\x18\x01 \x01(\x08R\x07enabled"x\n\x15CompatibilitySettings\x12\x18\n\x07'
    b'enforce\x18\x01 \x01(\x08R\x07enforce\x12E\n\x04mode\x18\x02 \x01(\x0e21.kurrentdb.protocol.regist'
    b'ry.v2.CompatibilityModeR\x04mode"x\n\x12DataFormatSettings\x12\x18\n\x07enforce\x18\x01'
    b' \x01(\x08R\x07enforce\x12H\n\x06format\x18\x02 \x01(\x0e20.kurrentdb.protocol.registry.v2.S'
    b'chemaDataFormatR\x06format"v\n\x14StreamFilterSettings\x12\x18\n\x07enforce\x18\x01 \x01(\x08'
    b'R\x07enforce\x12D\n\x06filter\x18\x02 \x01(\x0b2,.kurrentdb.protocol.registry.v2.Strea'
    b'mFilterR\x06filter"\x81\x01\n\x0cStreamFilter\x12Q\n\x0bfilter_type\x18\x01 \x01(\x0e20.kurrentd'
    b'b.protocol.registry.v2.StreamFilterTypeR\nfilterType\x12\x1e\n\nexpressio'
    b'n\x18\x02 \x01(\tR\nexpression"\x83\x01\n\x18CreateSchemaGroupRequest\x12\x19\n\x08group_id\x18\x01 \x01'
    b'(\tR\x07groupId\x12L\n\x07details\x18\x02 \x01(\x0b22.kurrentdb.protocol.registry.v2.Sc'
    b'hemaGroupDetailsR\x07details"6\n\x19CreateSchemaGroupResponse\x12\x19\n\x08group_'
    b'id\x18\x01 \x01(\tR\x07groupId"\xc0\x01\n\x18UpdateSchemaGroupRequest\x12\x19\n\x08group_id\x18\x01 \x01(\t'
    b'R\x07groupId\x12L\n\x07details\x18\x02 \x01(\x0b22.kurrentdb.protocol.registry.v2.Sche'
    b'maGroupDetailsR\x07details\x12;\n\x0bupdate_mask\x18\x03 \x01(\x0b2\x1a.google.protobuf.F'
    b'ieldMaskR\nupdateMask"\x1b\n\x19UpdateSchemaGroupResponse"5\n\x18DeleteSchem'
    b'aGroupRequest\x12\x19\n\x08group_id\x18\x01 \x01(\tR\x07groupId"\x1b\n\x19DeleteSchemaGroupRes'
    b'ponse"2\n\x15GetSchemaGroupRequest\x12\x19\n\x08group_id\x18\x01 \x01(\tR\x07groupId"[\n\x16Get'
    b'SchemaGroupResponse\x12A\n\x05group\x18\x01 \x01(\x0b2+.kurrentdb.protocol.registry'
    b'.v2.SchemaGroupR\x05group"c\n\x17ListSchemaGroupsRequest\x12H\n\x11group_name_'
    b'prefix\x18\x01 \x01(\x0b2\x1c.google.protobuf.StringValueR\x0fgroupNamePrefix"_\n\x18L'
    b'istSchemaGroupsResponse\x12C\n\x06groups\x18\x01 \x03(\x0b2+.kurrentdb.protocol.reg'
    b'istry.v2.SchemaGroupR\x06groups*\xaf\x01\n\x10SchemaDataFormat\x12"\n\x1eSCHEMA_DATA'
    b'_FORMAT_UNSPECIFIED\x10\x00\x12\x1b\n\x17SCHEMA_DATA_FORMAT_JSON\x10\x01\x12\x1f\n\x1bSCHEMA_DAT'
    b'A_FORMAT_PROTOBUF\x10\x02\x12\x1b\n\x17SCHEMA_DATA_FORMAT_AVRO\x10\x03\x12\x1c\n\x18SCHEMA_DATA_'
    b'FORMAT_BYTES\x10\x04*\x9c\x02\n\x11CompatibilityMode\x12"\n\x1eCOMPATIBILITY_MODE_UNSPE'
    b'CIFIED\x10\x00\x12\x1f\n\x1bCOMPATIBILITY_MODE_BACKWARD\x10\x01\x12\x1e\n\x1aCOMPATIBILITY_MODE_'
    b'FORWARD\x10\x02\x12\x1b\n\x17COMPATIBILITY_MODE_FULL\x10\x03\x12#\n\x1fCOMPATIBILITY_MODE_BAC'
    b'KWARD_ALL\x10\x04\x12"\n\x1eCOMPATIBILITY_MODE_FORWARD_ALL\x10\x05\x12\x1f\n\x1bCOMPATIBILITY'
    b'_MODE_FULL_ALL\x10\x06\x12\x1b\n\x17COMPATIBILITY_MODE_NONE\x10\x07*\xf1\x03\n\x1cSchemaCompatib'
    b'ilityErrorKind\x12/\n+SCHEMA_COMPATIBILITY_ERROR_KIND_UNSPECIFIED\x10\x00\x12'
    b'=\n9SCHEMA_COMPATIBILITY_ERROR_KIND_MISSING_REQUIRED_PROPERTY\x10\x01\x12<'
    b'\n8SCHEMA_COMPATIBILITY_ERROR_KIND_INCOMPATIBLE_TYPE_CHANGE\x10\x02\x128\n4'
    b'SCHEMA_COMPATIBILITY_ERROR_KIND_OPTIONAL_TO_REQUIRED\x10\x03\x129\n5SCHEMA'
    b'_COMPATIBILITY_ERROR_KIND_NEW_REQUIRED_PROPERTY\x10\x04\x124\n0SCHEMA_COMP'
    b'ATIBILITY_ERROR_KIND_REMOVED_PROPERTY\x10\x05\x12>\n:SCHEMA_COMPATIBILITY_'
    b'ERROR_KIND_ARRAY_TYPE_INCOMPATIBILITY\x10\x06\x128\n4SCHEMA_COMPATIBILITY_'
    b'ERROR_KIND_DATA_FORMAT_MISMATCH\x10\x07*x\n\x10StreamFilterType\x12#\n\x1fCONSUME'
    b'_FILTER_TYPE_UNSPECIFIED\x10\x00\x12\x1d\n\x19CONSUME_FILTER_TYPE_REGEX\x10\x01\x12 \n\x1cCON'
    b'SUME_FILTER_TYPE_CATEGORY\x10\x022\xc1\x14\n\x15SchemaRegistryService\x12\x88\x01\n\x11Create'
    b'SchemaGroup\x128.kurrentdb.protocol.registry.v2.CreateSchemaGroupRe'
    b'quest\x1a9.kurrentdb.protocol.registry.v2.CreateSchemaGroupResponse'
    b'\x12\x88\x01\n\x11UpdateSchemaGroup\x128.kurrentdb.protocol.registry.v2.UpdateSc'
    b'hemaGroupRequest\x1a9.kurrentdb.protocol.registry.v2.UpdateSchemaGr'
    b'oupResponse\x12\x88\x01\n\x11DeleteSchemaGroup\x128.kurrentdb.protocol.registry.'
    b'v2.DeleteSchemaGroupRequest\x1a9.kurrentdb.protocol.registry.v2.Del'
    b'eteSchemaGroupResponse\x12\x7f\n\x0eGetSchemaGroup\x125.kurrentdb.protocol.re'
    b'gistry.v2.GetSchemaGroupRequest\x1a6.kurrentdb.protocol.registry.v2'
    b'.GetSchemaGroupResponse\x12\x85\x01\n\x10ListSchemaGroups\x127.kurrentdb.protoco'
    b'l.registry.v2.ListSchemaGroupsRequest\x1a8.kurrentdb.protocol.regis'
    b'try.v2.ListSchemaGroupsResponse\x12y\n\x0cCreateSchema\x123.kurrentdb.prot'
    b'ocol.registry.v2.CreateSchemaRequest\x1a4.kurrentdb.protocol.regist'
    b'ry.v2.CreateSchemaResponse\x12y\n\x0cUpdateSchema\x123.kurrentdb.protocol.'
    b'registry.v2.UpdateSchemaRequest\x1a4.kurrentdb.protocol.registry.v2'
    b'.UpdateSchemaResponse\x12y\n\x0cDeleteSchema\x123.kurrentdb.protocol.regis'
    b'try.v2.DeleteSchemaRequest\x1a4.kurrentdb.protocol.registry.v2.Dele'
    b'teSchemaResponse\x12p\n\tGetSchema\x120.kurrentdb.protocol.registry.v2.G'
    b'etSchemaRequest\x1a1.kurrentdb.protocol.registry.v2.GetSchemaRespon'
    b'se\x12v\n\x0bListSchemas\x122.kurrentdb.protocol.registry.v2.ListSchemasRe'
    b'quest\x1a3.kurrentdb.protocol.registry.v2.ListSchemasResponse\x12\x85\x01\n\x10L'
    b'ookupSchemaName\x127.kurrentdb.protocol.registry.v2.LookupSchemaNam'
    b'eRequest\x1a8.kurrentdb.protocol.registry.v2.LookupSchemaNameRespon'
    b'se\x12\x94\x01\n\x15RegisterSchemaVersion\x12<.kurrentdb.protocol.registry.v2.Re'
    b'gisterSchemaVersionRequest\x1a=.kurrentdb.protocol.registry.v2.Regi'
    b'sterSchemaVersionResponse\x12\x91\x01\n\x14DeleteSchemaVersions\x12;.kurrentdb.p'
    b'rotocol.registry.v2.DeleteSchemaVersionsRequest\x1a<.kurrentdb.prot'
    b'ocol.registry.v2.DeleteSchemaVersionsResponse\x12\x85\x01\n\x10GetSchemaVersi'
    b'on\x127.kurrentdb.protocol.registry.v2.GetSchemaVersionRequest\x1a8.ku'
    b'rrentdb.protocol.registry.v2.GetSchemaVersionResponse\x12\x91\x01\n\x14GetSch'
    b'emaVersionById\x12;.kurrentdb.protocol.registry.v2.GetSchemaVersion'
    b'ByIdRequest\x1a<.kurrentdb.protocol.registry.v2.GetSchemaVersionByI'
    b'dResponse\x12\x8b\x01\n\x12ListSchemaVersions\x129.kurrentdb.protocol.registry.v'
    b'2.ListSchemaVersionsRequest\x1a:.kurrentdb.protocol.registry.v2.Lis'
    b'tSchemaVersionsResponse\x12\x94\x01\n\x15ListRegisteredSchemas\x12<.kurrentdb.pr'
    b'otocol.registry.v2.ListRegisteredSchemasRequest\x1a=.kurrentdb.prot'
    b'ocol.registry.v2.ListRegisteredSchemasResponse\x12\x8e\x01\n\x13BulkRegisterS'
    b'chemas\x12:.kurrentdb.protocol.registry.v2.BulkRegisterSchemasReque'
    b'st\x1a;.kurrentdb.protocol.registry.v2.BulkRegisterSchemasResponse\x12'
    b'\x9d\x01\n\x18CheckSchemaCompatibility\x12?.kurrentdb.protocol.registry.v2.Ch'
    b'eckSchemaCompatibilityRequest\x1a@.kurrentdb.protocol.registry.v2.C'
    b'heckSchemaCompatibilityResponseb\x08editionsp\xe8\x07'
)
SchemaDetails = message_class(DESCRIPTOR.message_types_by_name["SchemaDetails"])
CreateSchemaRequest = message_class(DESCRIPTOR.message_types_by_name["CreateSchemaRequest"])
CreateSchemaResponse = message_class(DESCRIPTOR.message_types_by_name["CreateSchemaResponse"])
UpdateSchemaRequest = message_class(DESCRIPTOR.message_types_by_name["UpdateSchemaRequest"])
UpdateSchemaResponse = message_class(DESCRIPTOR.message_types_by_name["UpdateSchemaResponse"])
DeleteSchemaRequest = message_class(DESCRIPTOR.message_types_by_name["DeleteSchemaRequest"])
DeleteSchemaResponse = message_class(DESCRIPTOR.message_types_by_name["DeleteSchemaResponse"])
Schema = message_class(DESCRIPTOR.message_types_by_name["Schema"])
GetSchemaRequest = message_class(DESCRIPTOR.message_types_by_name["GetSchemaRequest"])
GetSchemaResponse = message_class(DESCRIPTOR.message_types_by_name["GetSchemaResponse"])
ListSchemasRequest = message_class(DESCRIPTOR.message_types_by_name["ListSchemasRequest"])
ListSchemasResponse = message_class(DESCRIPTOR.message_types_by_name["ListSchemasResponse"])
LookupSchemaNameRequest = message_class(DESCRIPTOR.message_types_by_name["LookupSchemaNameRequest"])
LookupSchemaNameResponse = message_class(DESCRIPTOR.message_types_by_name["LookupSchemaNameResponse"])
RegisterSchemaVersionRequest = message_class(DESCRIPTOR.message_types_by_name["RegisterSchemaVersionRequest"])
RegisterSchemaVersionResponse = message_class(DESCRIPTOR.message_types_by_name["RegisterSchemaVersionResponse"])
DeleteSchemaVersionsRequest = message_class(DESCRIPTOR.message_types_by_name["DeleteSchemaVersionsRequest"])
DeleteSchemaVersionsResponse = message_class(DESCRIPTOR.message_types_by_name["DeleteSchemaVersionsResponse"])
SchemaVersion = message_class(DESCRIPTOR.message_types_by_name["SchemaVersion"])
GetSchemaVersionRequest = message_class(DESCRIPTOR.message_types_by_name["GetSchemaVersionRequest"])
GetSchemaVersionResponse = message_class(DESCRIPTOR.message_types_by_name["GetSchemaVersionResponse"])
GetSchemaVersionByIdRequest = message_class(DESCRIPTOR.message_types_by_name["GetSchemaVersionByIdRequest"])
GetSchemaVersionByIdResponse = message_class(DESCRIPTOR.message_types_by_name["GetSchemaVersionByIdResponse"])
ListSchemaVersionsRequest = message_class(DESCRIPTOR.message_types_by_name["ListSchemaVersionsRequest"])
ListSchemaVersionsResponse = message_class(DESCRIPTOR.message_types_by_name["ListSchemaVersionsResponse"])
RegisteredSchema = message_class(DESCRIPTOR.message_types_by_name["RegisteredSchema"])
ListRegisteredSchemasRequest = message_class(DESCRIPTOR.message_types_by_name["ListRegisteredSchemasRequest"])
ListRegisteredSchemasResponse = message_class(DESCRIPTOR.message_types_by_name["ListRegisteredSchemasResponse"])
BulkRegisterSchemasRequest = message_class(DESCRIPTOR.message_types_by_name["BulkRegisterSchemasRequest"])
BulkRegisterSchemasResponse = message_class(DESCRIPTOR.message_types_by_name["BulkRegisterSchemasResponse"])
CheckSchemaCompatibilityRequest = message_class(DESCRIPTOR.message_types_by_name["CheckSchemaCompatibilityRequest"])
CheckSchemaCompatibilityResponse = message_class(DESCRIPTOR.message_types_by_name["CheckSchemaCompatibilityResponse"])
SchemaCompatibilityError = message_class(DESCRIPTOR.message_types_by_name["SchemaCompatibilityError"])
SchemaGroup = message_class(DESCRIPTOR.message_types_by_name["SchemaGroup"])
SchemaGroupDetails = message_class(DESCRIPTOR.message_types_by_name["SchemaGroupDetails"])
AutoRegistrationSettings = message_class(DESCRIPTOR.message_types_by_name["AutoRegistrationSettings"])
ValidationSettings = message_class(DESCRIPTOR.message_types_by_name["ValidationSettings"])
CompatibilitySettings = message_class(DESCRIPTOR.message_types_by_name["CompatibilitySettings"])
DataFormatSettings = message_class(DESCRIPTOR.message_types_by_name["DataFormatSettings"])
StreamFilterSettings = message_class(DESCRIPTOR.message_types_by_name["StreamFilterSettings"])
StreamFilter = message_class(DESCRIPTOR.message_types_by_name["StreamFilter"])
CreateSchemaGroupRequest = message_class(DESCRIPTOR.message_types_by_name["CreateSchemaGroupRequest"])
CreateSchemaGroupResponse = message_class(DESCRIPTOR.message_types_by_name["CreateSchemaGroupResponse"])
UpdateSchemaGroupRequest = message_class(DESCRIPTOR.message_types_by_name["UpdateSchemaGroupRequest"])
UpdateSchemaGroupResponse = message_class(DESCRIPTOR.message_types_by_name["UpdateSchemaGroupResponse"])
DeleteSchemaGroupRequest = message_class(DESCRIPTOR.message_types_by_name["DeleteSchemaGroupRequest"])
DeleteSchemaGroupResponse = message_class(DESCRIPTOR.message_types_by_name["DeleteSchemaGroupResponse"])
GetSchemaGroupRequest = message_class(DESCRIPTOR.message_types_by_name["GetSchemaGroupRequest"])
GetSchemaGroupResponse = message_class(DESCRIPTOR.message_types_by_name["GetSchemaGroupResponse"])
ListSchemaGroupsRequest = message_class(DESCRIPTOR.message_types_by_name["ListSchemaGroupsRequest"])
ListSchemaGroupsResponse = message_class(DESCRIPTOR.message_types_by_name["ListSchemaGroupsResponse"])
SchemaDataFormat = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["SchemaDataFormat"])
SCHEMA_DATA_FORMAT_UNSPECIFIED = 0
SCHEMA_DATA_FORMAT_JSON = 1
SCHEMA_DATA_FORMAT_PROTOBUF = 2
SCHEMA_DATA_FORMAT_AVRO = 3
SCHEMA_DATA_FORMAT_BYTES = 4
CompatibilityMode = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["CompatibilityMode"])
COMPATIBILITY_MODE_UNSPECIFIED = 0
COMPATIBILITY_MODE_BACKWARD = 1
COMPATIBILITY_MODE_FORWARD = 2
COMPATIBILITY_MODE_FULL = 3
COMPATIBILITY_MODE_BACKWARD_ALL = 4
COMPATIBILITY_MODE_FORWARD_ALL = 5
COMPATIBILITY_MODE_FULL_ALL = 6
COMPATIBILITY_MODE_NONE = 7
SchemaCompatibilityErrorKind = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["SchemaCompatibilityErrorKind"])
SCHEMA_COMPATIBILITY_ERROR_KIND_UNSPECIFIED = 0
SCHEMA_COMPATIBILITY_ERROR_KIND_MISSING_REQUIRED_PROPERTY = 1
SCHEMA_COMPATIBILITY_ERROR_KIND_INCOMPATIBLE_TYPE_CHANGE = 2
SCHEMA_COMPATIBILITY_ERROR_KIND_OPTIONAL_TO_REQUIRED = 3
SCHEMA_COMPATIBILITY_ERROR_KIND_NEW_REQUIRED_PROPERTY = 4
SCHEMA_COMPATIBILITY_ERROR_KIND_REMOVED_PROPERTY = 5
SCHEMA_COMPATIBILITY_ERROR_KIND_ARRAY_TYPE_INCOMPATIBILITY = 6
SCHEMA_COMPATIBILITY_ERROR_KIND_DATA_FORMAT_MISMATCH = 7
StreamFilterType = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["StreamFilterType"])
CONSUME_FILTER_TYPE_UNSPECIFIED = 0
CONSUME_FILTER_TYPE_REGEX = 1
CONSUME_FILTER_TYPE_CATEGORY = 2
