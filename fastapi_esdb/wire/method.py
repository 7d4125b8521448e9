"""An RPC as a value: the client calls it, the embedded server binds it, and the tables in the docs list it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from fastapi_esdb.wire.errors import EsdbError, InvalidArgument
from fastapi_esdb.wire.errors.unreadable import unreadable

Request = TypeVar("Request")
Response = TypeVar("Response")
Value = TypeVar("Value")

FIRST_VERSION = "20.6"
"""The first version of the server that speaks gRPC."""


class Shape(enum.Enum):
    """The sides of a call that send a stream of messages."""

    UNARY = "unary"
    SERVER_STREAM = "server stream"
    CLIENT_STREAM = "client stream"
    DUPLEX = "both stream"

    def __init__(self, text: str) -> None:
        self.client_streams = text in ("client stream", "both stream")


@dataclass(frozen=True, slots=True)
class Codec(Generic[Value]):
    """The conversion between a plain value and its protobuf message, in both directions.

    It happens outside of grpcio, not as its serializer: grpcio would turn an exception of a serializer into `None`.
    """

    message: type[Message]
    encode: Callable[[Value], Any]
    decode: Callable[[Any], Value]
    decode_all: Callable[[Iterable[Any]], list[Value]] | None = None
    """The same for messages that came together, where there is a quicker way than one after the other."""
    write: Callable[[Value], bytes] | None = None
    """Returns the bytes of the message, where there is a quicker way than to make it."""

    def to_bytes(self, value: Value) -> bytes:
        """Return the value as the bytes of its message."""
        if self.write is not None:
            return self.write(value)
        serialized: bytes = self.encode(value).SerializeToString()
        return serialized

    def from_bytes(self, data: bytes) -> Value:
        """Return the value in the bytes of a message. Raises DecodeError if they are not one."""
        return self.decode(self.message.FromString(data))

    def from_all(self, messages: Iterable[bytes]) -> list[Value]:
        """Return the values in the bytes of messages; otherwise like `from_bytes`."""
        parsed = map(self.message.FromString, messages)
        return self.decode_all(parsed) if self.decode_all else [self.decode(message) for message in parsed]


@dataclass(frozen=True, slots=True)
class Method(Generic[Request, Response]):
    """An RPC.

    `service` is the full name of its service in the protocol. A method that `writes` can change the server's data, and
    a read-only connection refuses it. `since` is the first version of the server that has the call.
    """

    service: str
    name: str
    shape: Shape
    request: Codec[Request]
    response: Codec[Response]
    writes: bool = False
    since: str = FIRST_VERSION
    path: str = field(init=False)
    """The HTTP/2 path of the call."""
    key: str = field(init=False)
    """The same in small letters, as servers name the calls that they have."""
    call_name: str = field(init=False)
    """The service and its method for those who read it: `Streams.Read`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", f"/{self.service}/{self.name}")
        object.__setattr__(self, "key", self.path.lower())
        object.__setattr__(self, "call_name", f"{self.service.rpartition('.')[2]}.{self.name}")

    def __repr__(self) -> str:
        return f"<Method {self.path}>"

    def encode_request(self, request: Request) -> bytes:
        """Return the bytes that a client sends. Raises InvalidArgument if a value does not fit."""
        try:
            return self.request.to_bytes(request)
        except (TypeError, ValueError) as error:
            if isinstance(error, EsdbError):
                raise
            raise InvalidArgument(f"{self.name}: the request can't be sent: {error}") from error

    def decode_request(self, data: bytes) -> Request:
        """Return the request that a server has received. Raises InvalidArgument if it is malformed."""
        try:
            return self.request.from_bytes(data)
        except DecodeError:
            raise InvalidArgument(f"malformed bytes: no request of {self.path}") from None

    def encode_answer(self, answer: Response) -> bytes:
        """Return the bytes that a server answers."""
        return self.response.to_bytes(answer)

    def decode_answer(self, data: bytes) -> Response:
        """Return the answer that a client has received. Raises NoAnswer if it can't be read for any reason."""
        try:
            return self.response.from_bytes(data)
        except Exception as error:
            raise unreadable(error) from error

    def decode_answers(self, messages: Iterable[bytes]) -> list[Response]:
        """Return answers that a client has received together. Raises NoAnswer if one of them can't be read."""
        try:
            return self.response.from_all(messages)
        except Exception as error:
            raise unreadable(error) from error


GROUPS = "event_store.client.persistent_subscriptions.PersistentSubscriptions"
PROJECTIONS = "event_store.client.projections.Projections"
OPERATIONS = "event_store.client.operations.Operations"
"""Services that are spoken of without loading their messages, which few apps need."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the protocol, by its full name. Most of its methods have one request and one answer, and write."""

    name: str

    def method(
        self,
        name: str,
        request: Codec[Request],
        response: Codec[Response],
        shape: Shape = Shape.UNARY,
        *,
        writes: bool = True,
        since: str = FIRST_VERSION,
    ) -> Method[Request, Response]:
        """Return one of its methods."""
        return Method(self.name, name, shape, request, response, writes, since)
