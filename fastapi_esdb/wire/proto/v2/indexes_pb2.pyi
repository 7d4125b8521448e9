# Written by protos/generate.py from kurrentdb/protocol/v2/indexes/indexes.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from typing import Any as _Anything
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IndexFieldType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDEX_FIELD_TYPE_UNSPECIFIED: _ClassVar[IndexFieldType]
    INDEX_FIELD_TYPE_STRING: _ClassVar[IndexFieldType]
    INDEX_FIELD_TYPE_DOUBLE: _ClassVar[IndexFieldType]
    INDEX_FIELD_TYPE_INT_32: _ClassVar[IndexFieldType]
    INDEX_FIELD_TYPE_INT_64: _ClassVar[IndexFieldType]

class IndexState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDEX_STATE_UNSPECIFIED: _ClassVar[IndexState]
    INDEX_STATE_STARTED: _ClassVar[IndexState]
    INDEX_STATE_STOPPED: _ClassVar[IndexState]
    INDEX_STATE_DELETED: _ClassVar[IndexState]
INDEX_FIELD_TYPE_UNSPECIFIED: IndexFieldType
INDEX_FIELD_TYPE_STRING: IndexFieldType
INDEX_FIELD_TYPE_DOUBLE: IndexFieldType
INDEX_FIELD_TYPE_INT_32: IndexFieldType
INDEX_FIELD_TYPE_INT_64: IndexFieldType
INDEX_STATE_UNSPECIFIED: IndexState
INDEX_STATE_STARTED: IndexState
INDEX_STATE_STOPPED: IndexState
INDEX_STATE_DELETED: IndexState

class CreateIndexRequest(_message.Message):
    __slots__ = ("name", "filter", "fields", "start")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    name: str
    filter: str
    fields: _containers.RepeatedCompositeFieldContainer[IndexField]
    start: bool
    def __init__(self, name: _Optional[str] = ..., filter: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[IndexField, _Mapping[str, _Anything]]]] = ..., start: _Optional[bool] = ...) -> None: ...

class CreateIndexResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StartIndexRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StartIndexResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopIndexRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StopIndexResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeleteIndexRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteIndexResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListIndexesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListIndexesResponse(_message.Message):
    __slots__ = ("indexes",)
    INDEXES_FIELD_NUMBER: _ClassVar[int]
    indexes: _containers.RepeatedCompositeFieldContainer[Index]
    def __init__(self, indexes: _Optional[_Iterable[_Union[Index, _Mapping[str, _Anything]]]] = ...) -> None: ...

class GetIndexRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetIndexResponse(_message.Message):
    __slots__ = ("index",)
    INDEX_FIELD_NUMBER: _ClassVar[int]
    index: Index
    def __init__(self, index: _Optional[_Union[Index, _Mapping[str, _Anything]]] = ...) -> None: ...

class Index(_message.Message):
    __slots__ = ("name", "filter", "fields", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    filter: str
    fields: _containers.RepeatedCompositeFieldContainer[IndexField]
    state: IndexState
    def __init__(self, name: _Optional[str] = ..., filter: _Optional[str] = ..., fields: _Optional[_Iterable[_Union[IndexField, _Mapping[str, _Anything]]]] = ..., state: _Optional[_Union[IndexState, str]] = ...) -> None: ...

class IndexField(_message.Message):
    __slots__ = ("name", "selector", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    selector: str
    type: IndexFieldType
    def __init__(self, name: _Optional[str] = ..., selector: _Optional[str] = ..., type: _Optional[_Union[IndexFieldType, str]] = ...) -> None: ...
