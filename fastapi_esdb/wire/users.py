"""The Users service: the server's own accounts. Its values, its RPCs, and the values as messages and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi_esdb.wire.fields import nothing, options_codec, options_of
from fastapi_esdb.wire.method import Codec, Method, Request, Response, Shape
from fastapi_esdb.wire.proto.v1 import users_pb2 as pb

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class CreateUser:
    """An account to add. `groups` are roles: `$admins` and `$ops` give administration, others have a meaning in ACLs."""

    login_name: str
    password: str = field(repr=False)
    full_name: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateUser:
    """What replaces full name and groups of an account; the password stays."""

    login_name: str
    full_name: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserName:
    """Which account to delete, enable or disable."""

    login_name: str


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """A user's own change, which proves the old password."""

    login_name: str
    current_password: str = field(repr=False)
    new_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """An administrator's change of a password."""

    login_name: str
    new_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserDetailsRequest:
    """Which account to describe; with an empty name all of them."""

    login_name: str = ""


@dataclass(frozen=True, slots=True)
class UserDetails:
    """An account. `last_updated` is aware, in UTC; servers may leave it out for the accounts they came with."""

    login_name: str
    full_name: str = ""
    groups: tuple[str, ...] = ()
    disabled: bool = False
    last_updated: datetime | None = None
