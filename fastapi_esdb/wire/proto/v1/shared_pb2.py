# Written by protos/generate.py from shared.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL
from . import empty_pb2

DESCRIPTOR = add_file(
    POOL,
    "shared.proto",
    b'\n\x0cshared.proto\x12\x12event_store.client\x1a\x1bgoogle/protobuf/empty.proto"'
    b'\xe8\x01\n\x04UUID\x12E\n\nstructured\x18\x01 \x01(\x0b2#.event_store.client.UUID.Structure'
    b'dH\x00R\nstructured\x12\x18\n\x06string\x18\x02 \x01(\tH\x00R\x06string\x1av\n\nStructured\x122\n\x15most_'
    b'significant_bits\x18\x01 \x01(\x03R\x13mostSignificantBits\x124\n\x16least_significant'
    b'_bits\x18\x02 \x01(\x03R\x14leastSignificantBitsB\x07\n\x05value"\x07\n\x05Empty"3\n\x10StreamIde'
    b'ntifier\x12\x1f\n\x0bstream_name\x18\x03 \x01(\x0cR\nstreamName"g\n\x11AllStreamPosition\x12\'\n'
    b'\x0fcommit_position\x18\x01 \x01(\x04R\x0ecommitPosition\x12)\n\x10prepare_position\x18\x02 \x01(\x04'
    b'R\x0fpreparePosition"\xec\x03\n\x14WrongExpectedVersion\x128\n\x17current_stream_rev'
    b'ision\x18\x01 \x01(\x04H\x00R\x15currentStreamRevision\x12D\n\x11current_no_stream\x18\x02 \x01(\x0b2'
    b'\x16.google.protobuf.EmptyH\x00R\x0fcurrentNoStream\x12:\n\x18expected_stream_po'
    b'sition\x18\x03 \x01(\x04H\x01R\x16expectedStreamPosition\x12;\n\x0cexpected_any\x18\x04 \x01(\x0b2\x16.g'
    b'oogle.protobuf.EmptyH\x01R\x0bexpectedAny\x12N\n\x16expected_stream_exists\x18\x05 '
    b'\x01(\x0b2\x16.google.protobuf.EmptyH\x01R\x14expectedStreamExists\x12F\n\x12expected_'
    b'no_stream\x18\x06 \x01(\x0b2\x16.google.protobuf.EmptyH\x01R\x10expectedNoStreamB \n\x1ec'
    b'urrent_stream_revision_optionB!\n\x1fexpected_stream_position_option'
    b'"\x0e\n\x0cAccessDenied"b\n\rStreamDeleted\x12Q\n\x11stream_identifier\x18\x01 \x01(\x0b2$.e'
    b'vent_store.client.StreamIdentifierR\x10streamIdentifier"\t\n\x07Timeout"'
    b'\t\n\x07Unknown"\x14\n\x12InvalidTransaction"A\n\x19MaximumAppendSizeExceeded\x12$\n'
    b'\rmaxAppendSize\x18\x01 \x01(\rR\rmaxAppendSize"\x98\x01\n\x1eMaximumAppendEventSizeEx'
    b'ceeded\x12\x18\n\x07eventId\x18\x01 \x01(\tR\x07eventId\x12,\n\x11proposedEventSize\x18\x02 \x01(\rR\x11pro'
    b'posedEventSize\x12.\n\x12maxAppendEventSize\x18\x03 \x01(\rR\x12maxAppendEventSize"&'
    b'\n\nBadRequest\x12\x18\n\x07message\x18\x01 \x01(\tR\x07messageb\x06proto3'
)
UUID = message_class(DESCRIPTOR.message_types_by_name["UUID"])
Empty = message_class(DESCRIPTOR.message_types_by_name["Empty"])
StreamIdentifier = message_class(DESCRIPTOR.message_types_by_name["StreamIdentifier"])
AllStreamPosition = message_class(DESCRIPTOR.message_types_by_name["AllStreamPosition"])
WrongExpectedVersion = message_class(DESCRIPTOR.message_types_by_name["WrongExpectedVersion"])
AccessDenied = message_class(DESCRIPTOR.message_types_by_name["AccessDenied"])
StreamDeleted = message_class(DESCRIPTOR.message_types_by_name["StreamDeleted"])
Timeout = message_class(DESCRIPTOR.message_types_by_name["Timeout"])
Unknown = message_class(DESCRIPTOR.message_types_by_name["Unknown"])
InvalidTransaction = message_class(DESCRIPTOR.message_types_by_name["InvalidTransaction"])
MaximumAppendSizeExceeded = message_class(DESCRIPTOR.message_types_by_name["MaximumAppendSizeExceeded"])
MaximumAppendEventSizeExceeded = message_class(DESCRIPTOR.message_types_by_name["MaximumAppendEventSizeExceeded"])
BadRequest = message_class(DESCRIPTOR.message_types_by_name["BadRequest"])
