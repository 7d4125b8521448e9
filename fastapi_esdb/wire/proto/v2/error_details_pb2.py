# Written by protos/generate.py from google/rpc/error_details.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import duration_pb2

DESCRIPTOR = add_file(
    POOL,
    "google/rpc/error_details.proto",
    b'\n\x1egoogle/rpc/error_details.proto\x12\ngoogle.rpc\x1a\x1egoogle/protobuf/du'
    b'ration.proto"\xb9\x01\n\tErrorInfo\x12\x16\n\x06reason\x18\x01 \x01(\tR\x06reason\x12\x16\n\x06domain\x18\x02 \x01'
    b'(\tR\x06domain\x12?\n\x08metadata\x18\x03 \x03(\x0b2#.google.rpc.ErrorInfo.MetadataEntr'
    b'yR\x08metadata\x1a;\n\rMetadataEntry\x12\x10\n\x03key\x18\x01 \x01(\tR\x03key\x12\x14\n\x05value\x18\x02 \x01(\tR\x05v'
    b'alue:\x028\x01"G\n\tRetryInfo\x12:\n\x0bretry_delay\x18\x01 \x01(\x0b2\x19.google.protobuf.Dur'
    b'ationR\nretryDelay"H\n\tDebugInfo\x12#\n\rstack_entries\x18\x01 \x03(\tR\x0cstackEntr'
    b'ies\x12\x16\n\x06detail\x18\x02 \x01(\tR\x06detail"\x8c\x02\n\nBadRequest\x12P\n\x10field_violations\x18\x01'
    b' \x03(\x0b2%.google.rpc.BadRequest.FieldViolationR\x0ffieldViolations\x1a\xab\x01\n'
    b'\x0eFieldViolation\x12\x14\n\x05field\x18\x01 \x01(\tR\x05field\x12 \n\x0bdescription\x18\x02 \x01(\tR\x0bdesc'
    b'ription\x12\x16\n\x06reason\x18\x03 \x01(\tR\x06reason\x12I\n\x11localized_message\x18\x04 \x01(\x0b2\x1c.goo'
    b'gle.rpc.LocalizedMessageR\x10localizedMessage"D\n\x10LocalizedMessage\x12\x16'
    b'\n\x06locale\x18\x01 \x01(\tR\x06locale\x12\x18\n\x07message\x18\x02 \x01(\tR\x07message"\x90\x01\n\x0cResourceInf'
    b'o\x12#\n\rresource_type\x18\x01 \x01(\tR\x0cresourceType\x12#\n\rresource_name\x18\x02 \x01(\tR\x0cr'
    b'esourceName\x12\x14\n\x05owner\x18\x03 \x01(\tR\x05owner\x12 \n\x0bdescription\x18\x04 \x01(\tR\x0bdescript'
    b'ionb\x06proto3'
)
ErrorInfo = message_class(DESCRIPTOR.message_types_by_name["ErrorInfo"])
RetryInfo = message_class(DESCRIPTOR.message_types_by_name["RetryInfo"])
DebugInfo = message_class(DESCRIPTOR.message_types_by_name["DebugInfo"])
BadRequest = message_class(DESCRIPTOR.message_types_by_name["BadRequest"])
LocalizedMessage = message_class(DESCRIPTOR.message_types_by_name["LocalizedMessage"])
ResourceInfo = message_class(DESCRIPTOR.message_types_by_name["ResourceInfo"])
