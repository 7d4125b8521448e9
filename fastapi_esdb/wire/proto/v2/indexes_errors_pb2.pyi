# Written by protos/generate.py from kurrentdb/protocol/v2/indexes/errors.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from typing import Any as _Anything
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class IndexNotFoundErrorDetails(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class IndexAlreadyExistsErrorDetails(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class IndexesNotReadyErrorDetails(_message.Message):
    __slots__ = ("current_position", "target_position")
    CURRENT_POSITION_FIELD_NUMBER: _ClassVar[int]
    TARGET_POSITION_FIELD_NUMBER: _ClassVar[int]
    current_position: int
    target_position: int
    def __init__(self, current_position: _Optional[int] = ..., target_position: _Optional[int] = ...) -> None: ...
