# Written by protos/generate.py from kurrentdb/protocol/v2/indexes/errors.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
from . import POOL

DESCRIPTOR = add_file(
    POOL,
    "kurrentdb/protocol/v2/indexes/errors.proto",
    b'\n*kurrentdb/protocol/v2/indexes/errors.proto\x12$kurrentdb.protocol'
    b'.v2.indexes.errors"/\n\x19IndexNotFoundErrorDetails\x12\x12\n\x04name\x18\x01 \x01(\tR\x04n'
    b'ame"4\n\x1eIndexAlreadyExistsErrorDetails\x12\x12\n\x04name\x18\x01 \x01(\tR\x04name"q\n\x1bInd'
    b'exesNotReadyErrorDetails\x12)\n\x10current_position\x18\x01 \x01(\x03R\x0fcurrentPosit'
    b"ion\x12'\n\x0ftarget_position\x18\x02 \x01(\x03R\x0etargetPositionb\x08editionsp\xe8\x07"
)
IndexNotFoundErrorDetails = message_class(DESCRIPTOR.message_types_by_name["IndexNotFoundErrorDetails"])
IndexAlreadyExistsErrorDetails = message_class(DESCRIPTOR.message_types_by_name["IndexAlreadyExistsErrorDetails"])
IndexesNotReadyErrorDetails = message_class(DESCRIPTOR.message_types_by_name["IndexesNotReadyErrorDetails"])
