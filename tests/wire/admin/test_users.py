from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fastapi_esdb.wire.admin.users import (
    CHANGE_PASSWORD,
    CREATE_USER,
    DELETE_USER,
    DISABLE_USER,
    ENABLE_USER,
    RESET_PASSWORD,
    UPDATE_USER,
    USER_DETAILS,
    ChangePassword,
    CreateUser,
    ResetPassword,
    UpdateUser,
    UserDetails,
    UserDetailsRequest,
    UserName,
)
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.proto.v1 import users_pb2 as pb
from tests.wire.comparing import Golden, check

UPDATED = datetime(2024, 2, 29, 12, 30, 15, 250_001, UTC)

GOLDEN: list[Golden] = [
    (CREATE_USER.request, CreateUser("jim", "secret"), b"\n\r\n\x03jim\x12\x06secret"),
    (
        CREATE_USER.request,
        CreateUser("jim", "secret", "Jim Doe", ("$ops", "dev")),
        b'\n!\n\x03jim\x12\x06secret\x1a\x07Jim Doe"\x04$ops"\x03dev',
    ),
    (UPDATE_USER.request, UpdateUser("jim"), b"\n\x05\n\x03jim"),
    (UPDATE_USER.request, UpdateUser("jim", "Jim Doe", ("dev",)), b'\n\x13\n\x03jim\x1a\x07Jim Doe"\x03dev'),
    (DELETE_USER.request, UserName("jim"), b"\n\x05\n\x03jim"),
    (ENABLE_USER.request, UserName("jim"), b"\n\x05\n\x03jim"),
    (DISABLE_USER.request, UserName("jim"), b"\n\x05\n\x03jim"),
    (CHANGE_PASSWORD.request, ChangePassword("jim", "old", "new"), b"\n\x0f\n\x03jim\x12\x03old\x1a\x03new"),
    (RESET_PASSWORD.request, ResetPassword("jim", "new"), b"\n\n\n\x03jim\x12\x03new"),
    (USER_DETAILS.request, UserDetailsRequest(), b"\n\x00"),
    (USER_DETAILS.request, UserDetailsRequest("jim"), b"\n\x05\n\x03jim"),
    (
        USER_DETAILS.response,
        UserDetails("admin", "Administrator", ("$admins",)),
        b"\n\x1f\n\x05admin\x12\rAdministrator\x1a\x07$admins",
    ),
    (
        USER_DETAILS.response,
        UserDetails("jim", "Jim Doe", ("dev", "ops"), True, UPDATED),
        b'\n%\n\x03jim\x12\x07Jim Doe\x1a\x03dev\x1a\x03ops"\t\x08\xaa\x96\xe2\xb6\xc3\xa5\xae\x1e(\x01',
    ),
    *(
        (method.response, None, b"")
        for method in (
            CREATE_USER,
            UPDATE_USER,
            DELETE_USER,
            ENABLE_USER,
            DISABLE_USER,
            CHANGE_PASSWORD,
            RESET_PASSWORD,
        )
    ),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each request and each answer is these bytes, and these bytes are it."""
    check(codec, value, data)


@pytest.mark.parametrize(
    "value", [CreateUser("jim", "secret"), ChangePassword("jim", "secret", "secret"), ResetPassword("jim", "secret")]
)
def test_passwords_are_not_shown(value: object) -> None:
    """No password is in what a log or a traceback shows of a request."""
    assert "jim" in repr(value)
    assert "secret" not in repr(value)


def test_an_update_with_a_password() -> None:
    """Servers ignore the password of an update."""
    message = pb.UpdateReq(options={"login_name": "jim", "password": "secret", "groups": ["dev"]})
    assert UPDATE_USER.request.decode(message) == UpdateUser("jim", groups=("dev",))


def test_a_request_without_options() -> None:
    """A request without options names no account and is refused."""
    with pytest.raises(InvalidArgument, match=r"users\.DetailsReq came without options"):
        USER_DETAILS.request.decode(pb.DetailsReq())
