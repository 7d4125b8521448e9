"""One RPC as a value: the client calls it, the embedded server binds it, the docs' tables list it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

Request = TypeVar("Request")
Response = TypeVar("Response")
Value = TypeVar("Value")


class Shape(enum.Enum):
    """Who streams."""

    UNARY = "unary"
    SERVER_STREAM = "server stream"
    CLIENT_STREAM = "client stream"
    DUPLEX = "both stream"

    @property
    def client_streams(self) -> bool:
        return self in (Shape.CLIENT_STREAM, Shape.DUPLEX)

    @property
    def server_streams(self) -> bool:
        return self in (Shape.SERVER_STREAM, Shape.DUPLEX)


@dataclass(frozen=True, slots=True)
class Codec(Generic[Value]):
    """The two ways between a plain value and its protobuf message.

    They run around grpc and not as its serializers: grpcio turns an exception of a serializer into `None`.
    """

    message: type[Message]
    encode: Callable[[Value], Any]
    decode: Callable[[Any], Value]


@dataclass(frozen=True, slots=True)
class Method(Generic[Request, Response]):
    """An RPC.

    `service` is the full name that the protocol gives it. `writes` tells whether the call can change what the
    server holds: a read-only connection refuses it. `since` is the first server version that has the call.
    """

    service: str
    name: str
    shape: Shape
    request: Codec[Request]
    response: Codec[Response]
    writes: bool = False
    since: str = "20.6"
    path: str = field(init=False)
    """The HTTP/2 path of the call."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", f"/{self.service}/{self.name}")

    def __repr__(self) -> str:
        return f"<Method {self.path}>"
