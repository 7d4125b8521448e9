# Written by protos/generate.py from google/protobuf/empty.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from typing import Any as _Anything
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Empty(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
