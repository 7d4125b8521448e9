# Written by protos/generate.py from kurrentdb/protocol/v2/streams/errors.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "kurrentdb/protocol/v2/streams/errors.proto",
    b'\n*kurrentdb/protocol/v2/streams/errors.proto\x12$kurrentdb.protocol'
    b'.v2.streams.errors"4\n\x1aStreamNotFoundErrorDetails\x12\x16\n\x06stream\x18\x01 \x01(\t'
    b'R\x06stream"9\n\x1fStreamAlreadyExistsErrorDetails\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06str'
    b'eam"3\n\x19StreamDeletedErrorDetails\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream"6\n\x1cStre'
    b'amTombstonedErrorDetails\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream"\x92\x01\n"StreamRevis'
    b'ionConflictErrorDetails\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream\x12+\n\x11expected_revi'
    b"sion\x18\x02 \x01(\x12R\x10expectedRevision\x12'\n\x0factual_revision\x18\x03 \x01(\x12R\x0eactualRev"
    b'ision"\x8a\x01\n$AppendRecordSizeExceededErrorDetails\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06'
    b'stream\x12\x1b\n\trecord_id\x18\x02 \x01(\tR\x08recordId\x12\x12\n\x04size\x18\x03 \x01(\x05R\x04size\x12\x19\n\x08max_s'
    b'ize\x18\x04 \x01(\x05R\x07maxSize"Z\n)AppendTransactionSizeExceededErrorDetails\x12'
    b'\x12\n\x04size\x18\x01 \x01(\x05R\x04size\x12\x19\n\x08max_size\x18\x02 \x01(\x05R\x07maxSize"B\n(StreamAlreadyI'
    b'nAppendSessionErrorDetails\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream"\x84\x01\n&AppendCon'
    b'sistencyViolationErrorDetails\x12Z\n\nviolations\x18\x01 \x03(\x0b2:.kurrentdb.pr'
    b'otocol.v2.streams.errors.ConsistencyViolationR\nviolations"\xaf\x02\n\x14Co'
    b'nsistencyViolation\x12\x1f\n\x0bcheck_index\x18\x01 \x01(\x05R\ncheckIndex\x12t\n\x0cstream_st'
    b'ate\x18\x02 \x01(\x0b2O.kurrentdb.protocol.v2.streams.errors.ConsistencyViol'
    b'ation.StreamStateViolationH\x00R\x0bstreamState\x1ax\n\x14StreamStateViolatio'
    b'n\x12\x16\n\x06stream\x18\x01 \x01(\tR\x06stream\x12%\n\x0eexpected_state\x18\x02 \x01(\x12R\rexpectedState'
    b'\x12!\n\x0cactual_state\x18\x03 \x01(\x12R\x0bactualStateB\x06\n\x04type*\xe2\x03\n\x0cStreamsError\x12\x1d\n\x19'
    b'STREAMS_ERROR_UNSPECIFIED\x10\x00\x12"\n\x1eSTREAMS_ERROR_STREAM_NOT_FOUND\x10\x01\x12'
    b"'\n#STREAMS_ERROR_STREAM_ALREADY_EXISTS\x10\x02\x12 \n\x1cSTREAMS_ERROR_STREAM"
    b'_DELETED\x10\x03\x12#\n\x1fSTREAMS_ERROR_STREAM_TOMBSTONED\x10\x04\x12*\n&STREAMS_ERROR'
    b'_STREAM_REVISION_CONFLICT\x10\x05\x12-\n)STREAMS_ERROR_APPEND_RECORD_SIZE_'
    b'EXCEEDED\x10\x06\x122\n.STREAMS_ERROR_APPEND_TRANSACTION_SIZE_EXCEEDED\x10\x07\x122'
    b'\n.STREAMS_ERROR_STREAM_ALREADY_IN_APPEND_SESSION\x10\x08\x12,\n(STREAMS_ER'
    b'ROR_APPEND_SESSION_NO_REQUESTS\x10\t\x12.\n*STREAMS_ERROR_APPEND_CONSIST'
    b'ENCY_VIOLATION\x10\x0eb\x06proto3'
)
StreamNotFoundErrorDetails = message_class(DESCRIPTOR.message_types_by_name["StreamNotFoundErrorDetails"])
StreamAlreadyExistsErrorDetails = message_class(DESCRIPTOR.message_types_by_name["StreamAlreadyExistsErrorDetails"])
StreamDeletedErrorDetails = message_class(DESCRIPTOR.message_types_by_name["StreamDeletedErrorDetails"])
StreamTombstonedErrorDetails = message_class(DESCRIPTOR.message_types_by_name["StreamTombstonedErrorDetails"])
StreamRevisionConflictErrorDetails = message_class(DESCRIPTOR.message_types_by_name["StreamRevisionConflictErrorDetails"])
AppendRecordSizeExceededErrorDetails = message_class(DESCRIPTOR.message_types_by_name["AppendRecordSizeExceededErrorDetails"])
AppendTransactionSizeExceededErrorDetails = message_class(DESCRIPTOR.message_types_by_name["AppendTransactionSizeExceededErrorDetails"])
StreamAlreadyInAppendSessionErrorDetails = message_class(DESCRIPTOR.message_types_by_name["StreamAlreadyInAppendSessionErrorDetails"])
AppendConsistencyViolationErrorDetails = message_class(DESCRIPTOR.message_types_by_name["AppendConsistencyViolationErrorDetails"])
ConsistencyViolation = message_class(DESCRIPTOR.message_types_by_name["ConsistencyViolation"])
StreamsError = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["StreamsError"])
STREAMS_ERROR_UNSPECIFIED = 0
STREAMS_ERROR_STREAM_NOT_FOUND = 1
STREAMS_ERROR_STREAM_ALREADY_EXISTS = 2
STREAMS_ERROR_STREAM_DELETED = 3
STREAMS_ERROR_STREAM_TOMBSTONED = 4
STREAMS_ERROR_STREAM_REVISION_CONFLICT = 5
STREAMS_ERROR_APPEND_RECORD_SIZE_EXCEEDED = 6
STREAMS_ERROR_APPEND_TRANSACTION_SIZE_EXCEEDED = 7
STREAMS_ERROR_STREAM_ALREADY_IN_APPEND_SESSION = 8
STREAMS_ERROR_APPEND_SESSION_NO_REQUESTS = 9
STREAMS_ERROR_APPEND_CONSISTENCY_VIOLATION = 14
