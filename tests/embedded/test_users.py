"""The Users service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
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
from fastapi_esdb.wire.errors import (
    AccessDenied,
    InvalidArgument,
    NotAuthenticated,
    NotSupported,
    UserConflict,
    UserNotFound,
)
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams.values import AppendOptions, ReadRequest
from tests.embedded.secure import ADMIN, JANE, As, secured, shown
from tests.support.bare_client import BareClient, Metadata, connected, event

NAME = UserName("jane")


@pytest.fixture
async def client() -> AsyncIterator[BareClient]:
    async with secured() as client:
        yield client


@pytest.fixture
def admin(client: BareClient) -> As:
    return As(client, ADMIN)


async def details(admin: As, login: str = "") -> list[UserDetails]:
    return await admin.call(USER_DETAILS, UserDetailsRequest(login))


async def may_write(client: BareClient, user: Metadata) -> bool:
    """Whether the server knows the user."""
    try:
        await client.call(APPEND, AppendOptions("a"), event(), metadata=user)
    except NotAuthenticated:
        return False
    return True


async def test_details(admin: As) -> None:
    """All that there is to tell of a user, but the password."""
    await admin.call(CREATE_USER, CreateUser("joe", "word", "Joe Doe", ("dev", "$ops")))
    [joe] = await details(admin, "joe")
    assert (joe.login_name, joe.full_name, joe.groups, joe.disabled) == ("joe", "Joe Doe", ("dev", "$ops"), False)
    assert joe.last_updated
    assert abs(datetime.now(UTC) - joe.last_updated) < timedelta(minutes=1)


async def test_all_users(admin: As) -> None:
    """A request without a name is about everybody, and any user may ask."""
    everybody = await details(As(admin.client, JANE))
    assert [user.login_name for user in everybody] == ["admin", "ops", "jane"]
    assert [user.groups for user in everybody] == [("$admins",), ("$ops",), ()]
    assert everybody[0].full_name == "KurrentDB Administrator"


async def test_a_new_user(client: BareClient, admin: As) -> None:
    """Is known at once; the same one again is no error, another password is a conflict."""
    joe = CreateUser("joe", "word")
    await admin.call(CREATE_USER, joe)
    assert await may_write(client, shown("joe", "word"))
    assert await admin.call(CREATE_USER, joe) == [None]
    with pytest.raises(UserConflict, match="joe"):
        await admin.call(CREATE_USER, CreateUser("joe", "other"))


async def test_a_login_name_is_needed(admin: As) -> None:
    """An account without one would be nobody's."""
    with pytest.raises(InvalidArgument, match="login_name"):
        await admin.call(CREATE_USER, CreateUser("", "word"))


async def test_odd_names_and_passwords(client: BareClient, admin: As) -> None:
    """Any text will do, but for a colon in a name: basic authentication can't carry it."""
    for login, password in (("jöe", "wörd"), ("j o e", ":"), ("joe/../x", ""), ("日本", "語" * 100)):
        await admin.call(CREATE_USER, CreateUser(login, password))
        assert await may_write(client, shown(login, password))
        assert not await may_write(client, shown(login, password + "x"))
        assert (await details(admin, login))[0].login_name == login


async def test_updates(client: BareClient, admin: As) -> None:
    """Replace name and groups, and leave the password."""
    await admin.call(UPDATE_USER, UpdateUser("jane", "Jane Roe", ("dev",)))
    [jane] = await details(admin, "jane")
    assert (jane.full_name, jane.groups) == ("Jane Roe", ("dev",))
    assert await may_write(client, JANE)


async def test_disabled_users(client: BareClient, admin: As) -> None:
    """Are kept out of everything until they are enabled again; doing either twice is no error."""
    for _ in range(2):
        await admin.call(DISABLE_USER, NAME)
        assert not await may_write(client, JANE)
        assert (await details(admin, "jane"))[0].disabled
    for _ in range(2):
        await admin.call(ENABLE_USER, NAME)
        assert await may_write(client, JANE)


async def test_a_disabled_administrator(admin: As) -> None:
    """Is kept out as well."""
    await admin.call(DISABLE_USER, UserName("admin"))
    with pytest.raises(NotAuthenticated):
        await details(admin)


async def test_deleted_users(client: BareClient, admin: As) -> None:
    """Are gone; their login name can be used again."""
    await admin.call(DELETE_USER, NAME)
    assert not await may_write(client, JANE)
    with pytest.raises(UserNotFound):
        await details(admin, "jane")
    await admin.call(CREATE_USER, CreateUser("jane", "other"))
    assert await may_write(client, shown("jane", "other"))


async def test_a_password_of_ones_own(client: BareClient) -> None:
    """Whoever knows it may change it."""
    jane = As(client, JANE)
    with pytest.raises(AccessDenied):
        await jane.call(CHANGE_PASSWORD, ChangePassword("jane", "wrong", "new"))
    await jane.call(CHANGE_PASSWORD, ChangePassword("jane", "secret", "new"))
    assert not await may_write(client, JANE)
    assert await may_write(client, shown("jane", "new"))


async def test_a_password_of_others(client: BareClient, admin: As) -> None:
    """Administrators may set it without knowing the old one, others may not."""
    with pytest.raises(AccessDenied):
        await client.call(RESET_PASSWORD, ResetPassword("jane", "new"), metadata=JANE)
    await admin.call(RESET_PASSWORD, ResetPassword("jane", "new"))
    assert await may_write(client, shown("jane", "new"))


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        (UPDATE_USER, UpdateUser("nobody")),
        (DELETE_USER, UserName("nobody")),
        (ENABLE_USER, UserName("nobody")),
        (DISABLE_USER, UserName("nobody")),
        (CHANGE_PASSWORD, ChangePassword("nobody", "a", "b")),
        (RESET_PASSWORD, ResetPassword("nobody", "b")),
        (USER_DETAILS, UserDetailsRequest("nobody")),
    ],
)
async def test_users_that_are_missing(admin: As, method: Method[Any, Any], request_: object) -> None:
    """Each call names who is not there."""
    with pytest.raises(UserNotFound) as missing:
        await admin.call(method, request_)
    assert missing.value.login == "nobody"


async def test_creating_at_the_same_time(tmp_path: Path) -> None:
    """One wins; the others are told to try again, or that the user is another one."""
    async with secured(tmp_path / "events.db") as client:
        admin = As(client, ADMIN)
        creations = (admin.call(CREATE_USER, CreateUser("joe", f"word-{number}")) for number in range(8))
        results = await asyncio.gather(*creations, return_exceptions=True)
        assert sum(result == [None] for result in results) == 1
        assert sum(isinstance(result, UserConflict) for result in results) == 7


async def test_users_outlive_the_server(tmp_path: Path) -> None:
    """They are kept with the events; built-in ones that were changed stay so."""
    path = tmp_path / "events.db"
    async with secured(path) as client:
        await client.call(RESET_PASSWORD, ResetPassword("admin", "new"), metadata=ADMIN)
    async with EmbeddedServer(path=path, secure=True) as server, connected(server.address) as client:
        assert not await may_write(client, ADMIN)
        assert await may_write(client, shown("admin", "new"))
        assert await may_write(client, JANE)


async def test_what_the_server_keeps(admin: As) -> None:
    """Users are events of streams that only administrators may read, without their passwords."""
    records = await admin.call(READ, ReadRequest("$user-jane"))
    assert b"secret" not in b"".join(getattr(record, "data", b"") for record in records)
    with pytest.raises(AccessDenied):
        await admin.client.call(READ, ReadRequest("$user-jane"), metadata=JANE)


async def test_a_server_without_users(server: EmbeddedServer) -> None:
    """Has no such service: a real one stays silent, which helps nobody."""
    async with connected(server.address) as client:
        with pytest.raises(NotSupported):
            await client.call(CREATE_USER, CreateUser("joe", "word"), metadata=ADMIN)
