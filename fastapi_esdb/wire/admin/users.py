"""The Users service, which manages the accounts of the server: its values, their converters, and its RPCs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fastapi_esdb.wire.codec.fields import nothing, options_codec
from fastapi_esdb.wire.codec.scalars import decode_ticks, encode_ticks, valid_or_none
from fastapi_esdb.wire.method import Codec, Service, Shape
from fastapi_esdb.wire.proto.v1 import users_pb2 as pb


@dataclass(frozen=True, slots=True)
class CreateUser:
    """An account to create. Its `groups` are roles for ACLs; `$admins` and `$ops` also give administrative rights."""

    login_name: str
    password: str = field(repr=False)
    full_name: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateUser:
    """A new full name and new groups for an account; its password stays as it is."""

    login_name: str
    full_name: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserName:
    """The account to delete, enable or disable."""

    login_name: str


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """A new password that a user sets, who has to give the old one."""

    login_name: str
    current_password: str = field(repr=False)
    new_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """A new password that an administrator sets."""

    login_name: str
    new_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserDetailsRequest:
    """The account to describe; with an empty name all of them."""

    login_name: str = ""


@dataclass(frozen=True, slots=True)
class UserDetails:
    """An account. `last_updated` is aware, in UTC; servers may leave it out for the accounts that every server has."""

    login_name: str
    full_name: str = ""
    groups: tuple[str, ...] = ()
    disabled: bool = False
    last_updated: datetime | None = None


def _encode_details(value: UserDetails) -> pb.DetailsResp:
    details = pb.DetailsResp.UserDetails(
        login_name=value.login_name, full_name=value.full_name, groups=value.groups, disabled=value.disabled
    )
    if value.last_updated:
        details.last_updated.ticks_since_epoch = encode_ticks(value.last_updated)
    return pb.DetailsResp(user_details=details)


def _decode_details(message: pb.DetailsResp) -> UserDetails:
    details = message.user_details
    ticks = details.last_updated.ticks_since_epoch
    updated = valid_or_none(lambda: decode_ticks(ticks)) if details.HasField("last_updated") else None
    return UserDetails(details.login_name, details.full_name, tuple(details.groups), details.disabled, updated)


_SERVICE = Service("event_store.client.users.Users")

CREATE_USER = _SERVICE.method("Create", options_codec(pb.CreateReq, CreateUser), nothing(pb.CreateResp))
UPDATE_USER = _SERVICE.method("Update", options_codec(pb.UpdateReq, UpdateUser), nothing(pb.UpdateResp))
DELETE_USER = _SERVICE.method("Delete", options_codec(pb.DeleteReq, UserName), nothing(pb.DeleteResp))
ENABLE_USER = _SERVICE.method("Enable", options_codec(pb.EnableReq, UserName), nothing(pb.EnableResp))
DISABLE_USER = _SERVICE.method("Disable", options_codec(pb.DisableReq, UserName), nothing(pb.DisableResp))
CHANGE_PASSWORD = _SERVICE.method(
    "ChangePassword", options_codec(pb.ChangePasswordReq, ChangePassword), nothing(pb.ChangePasswordResp)
)
RESET_PASSWORD = _SERVICE.method(
    "ResetPassword", options_codec(pb.ResetPasswordReq, ResetPassword), nothing(pb.ResetPasswordResp)
)
USER_DETAILS = _SERVICE.method(
    "Details",
    options_codec(pb.DetailsReq, UserDetailsRequest),
    Codec(pb.DetailsResp, _encode_details, _decode_details),
    Shape.SERVER_STREAM,
    writes=False,
)
