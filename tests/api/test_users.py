"""Users of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.users import Users
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import OutcomeUnknown, ReadOnlyConnection
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.users import UserDetails
from fastapi_esdb.wire.errors import (
    AccessDenied,
    DeadlineExceeded,
    InvalidArgument,
    NotAuthenticated,
    NotSupported,
    UserConflict,
    UserNotFound,
)
from tests.api.fakes import FakeCarrier
from tests.support.lost_answers import lose_answers
from tests.support.secure import JANE, OPS, as_admin, credentials
from tests.support.target import own_server
from tests.support.waiting import PATIENCE, UNANSWERED

Call = Callable[[Users], Coroutine[Any, Any, object]]


@pytest.fixture
async def admin() -> AsyncIterator[Connection]:
    async with as_admin() as esdb:
        yield esdb


@pytest.fixture
def secured() -> EmbeddedServer:
    """A server that asks for users, not started yet."""
    return EmbeddedServer(secure=True)


@pytest.fixture
def users(admin: Connection) -> Users:
    return admin.users


async def may_write(admin: Connection, user: Credentials) -> bool:
    try:
        await admin.append("s", NewEvent("T", {}), credentials=user)
    except NotAuthenticated:
        return False
    return True


async def test_a_user_is_what_was_created(users: Users) -> None:
    """All of it comes back but the password."""
    await users.create("joe", "word", full_name="Joe Doe", groups=("dev", "$ops"))
    joe = await users.details("joe")
    assert (joe.login_name, joe.full_name, joe.groups, joe.disabled) == ("joe", "Joe Doe", ("dev", "$ops"), False)
    assert joe.last_updated
    assert abs(datetime.now(UTC) - joe.last_updated) < timedelta(minutes=1)


async def test_one_group_is_a_group(users: Users) -> None:
    """And not the letters of its name."""
    await users.create("joe", "word", groups="dev")
    assert (await users.details("joe")).groups == ("dev",)


async def test_created_twice(users: Users) -> None:
    """The same user again is no error, another password is."""
    await users.create("joe", "word")
    await users.create("joe", "word")
    with pytest.raises(UserConflict, match="joe"):
        await users.create("joe", "other")


@own_server
async def test_all_users(users: Users) -> None:
    """Those that every server has, and the others."""
    assert [user.login_name for user in await users.list()] == ["admin", "ops", "jane"]


async def test_an_update(admin: Connection) -> None:
    """Replaces name and groups, and nothing else."""
    await admin.users.update("jane", full_name="Jane Roe", groups=["dev"])
    jane = await admin.users.details("jane")
    assert (jane.full_name, jane.groups) == ("Jane Roe", ("dev",))
    assert await may_write(admin, JANE)


async def test_keeping_a_user_out(admin: Connection) -> None:
    """Until they are let in again."""
    await admin.users.disable("jane")
    assert not await may_write(admin, JANE)
    assert (await admin.users.details("jane")).disabled
    await admin.users.enable("jane")
    assert await may_write(admin, JANE)


async def test_removing_a_user(admin: Connection) -> None:
    """They are gone."""
    await admin.users.delete("jane")
    assert not await may_write(admin, JANE)
    with pytest.raises(UserNotFound):
        await admin.users.details("jane")


async def test_ones_own_password(admin: Connection) -> None:
    """Is changed by whoever knows it."""
    with pytest.raises(AccessDenied):
        await admin.users.change_password("jane", "wrong", "new", credentials=JANE)
    await admin.users.change_password("jane", "secret", "new", credentials=JANE)
    assert await may_write(admin, credentials("jane", "new"))
    assert not await may_write(admin, JANE)


async def test_anothers_password(admin: Connection) -> None:
    """Is set by an administrator."""
    await admin.users.reset_password("jane", "new")
    assert await may_write(admin, credentials("jane", "new"))


OF_NOBODY: list[Call] = [
    lambda users: users.update("nobody", full_name=""),
    lambda users: users.delete("nobody"),
    lambda users: users.enable("nobody"),
    lambda users: users.disable("nobody"),
    lambda users: users.change_password("nobody", "a", "b"),
    lambda users: users.reset_password("nobody", "b"),
    lambda users: users.details("nobody"),
]


@pytest.mark.parametrize("call", OF_NOBODY)
async def test_a_user_that_is_missing(users: Users, call: Call) -> None:
    """Each call names who is not there."""
    with pytest.raises(UserNotFound) as missing:
        await call(users)
    assert missing.value.login == "nobody"


@own_server
@pytest.mark.parametrize("user", [JANE, OPS])
async def test_administrators_only(users: Users, user: Credentials) -> None:
    """Others may not change users, but any user may look."""
    with pytest.raises(AccessDenied):
        await users.create("joe", "word", credentials=user)
    assert len(await users.list(credentials=user)) == 3


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Create", lambda users: users.create("joe", "word", timeout=UNANSWERED)),
        ("Update", lambda users: users.update("jane", full_name="", timeout=UNANSWERED)),
        ("Delete", lambda users: users.delete("jane", timeout=UNANSWERED)),
        ("Enable", lambda users: users.enable("jane", timeout=UNANSWERED)),
        ("Disable", lambda users: users.disable("jane", timeout=UNANSWERED)),
        ("ChangePassword", lambda users: users.change_password("jane", "secret", "new", timeout=UNANSWERED)),
        ("ResetPassword", lambda users: users.reset_password("jane", "new", timeout=UNANSWERED)),
    ],
)
async def test_a_change_without_answer_leaves_the_outcome_unknown(
    secured: EmbeddedServer, name: str, call: Call
) -> None:
    """It may have happened, so it is not made again; the error names who it was about."""
    async with as_admin(secured) as admin:
        answers = lose_answers(secured, name)
        with pytest.raises(OutcomeUnknown, match=r"joe|jane") as caught:
            await call(admin.users)
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert answers.happened == 1


async def test_a_read_only_connection_looks_and_changes_nothing() -> None:
    """Nobody is added by it."""
    async with EmbeddedServer(secure=True) as server:
        string = f"esdb://admin:changeit@{server.address}?tls=false"
        async with connect(EsdbSettings(connection_string=string, read_only=True)) as esdb:
            await esdb.wait_connected(PATIENCE)
            with pytest.raises(ReadOnlyConnection):
                await esdb.users.create("joe", "word")
            assert len(await esdb.users.list()) == 2


async def test_a_look_that_is_not_answered(secured: EmbeddedServer) -> None:
    """Ends with its deadline: a server without users stays silent."""
    async with as_admin(secured) as admin:
        lose_answers(secured, "Details", times=2)
        with pytest.raises(DeadlineExceeded):
            await admin.users.details("jane", timeout=UNANSWERED)
        with pytest.raises(DeadlineExceeded):
            await admin.users.list(timeout=UNANSWERED)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda users: users.create("", "word"), "login"),
        (lambda users: users.create("joe", "word", groups=[""]), "groups"),
        (lambda users: users.update("", full_name=""), "login"),
        (lambda users: users.delete(7), "login"),
        (lambda users: users.enable("\ud800"), "login"),
        (lambda users: users.disable(""), "login"),
        (lambda users: users.change_password("", "a", "b"), "login"),
        (lambda users: users.reset_password("", "b"), "login"),
        (lambda users: users.details(""), "login"),
        (lambda users: users.list(timeout=-1), "timeout"),
    ],
)
async def test_what_can_not_be(call: Call, says: str) -> None:
    """Is refused before anything is sent, by the name of the argument."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument, match=says):
        await call(Users(carrier))
    assert not carrier.methods


async def test_a_server_that_tells_of_nobody() -> None:
    """Is as good as one that says so."""
    with pytest.raises(UserNotFound, match="jane"):
        await Users(FakeCarrier(calls=[[]])).details("jane")


@own_server
async def test_a_server_without_users(esdb: Connection) -> None:
    """Has none of these calls."""
    with pytest.raises(NotSupported):
        await esdb.users.create("joe", "word")
    with pytest.raises(NotSupported):
        await esdb.users.list()


def test_a_user_is_shown_without_a_password() -> None:
    """There is none in what the server tells."""
    assert "password" not in repr(UserDetails("jane"))
