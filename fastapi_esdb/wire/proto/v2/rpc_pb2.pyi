# Written by protos/generate.py from kurrent/rpc/rpc.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from typing import Any as _Anything
from . import code_pb2 as _code_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorMetadata(_message.Message):
    __slots__ = ("status_code", "has_details")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    HAS_DETAILS_FIELD_NUMBER: _ClassVar[int]
    status_code: _code_pb2.Code
    has_details: bool
    def __init__(self, status_code: _Optional[_Union[_code_pb2.Code, str]] = ..., has_details: _Optional[bool] = ...) -> None: ...
