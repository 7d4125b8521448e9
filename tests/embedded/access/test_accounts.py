"""Accounts and their passwords, in a database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb.embedded.access import account
from fastapi_esdb.embedded.access.account import PasswordHash, Passwords
from fastapi_esdb.embedded.access.accounts import Accounts
from fastapi_esdb.embedded.store import Database, SqliteStorage
from fastapi_esdb.wire.errors import AccessDenied, UserConflict, UserNotFound
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import Clock, event, read


@pytest.fixture
def accounts(database: Database) -> Iterator[Accounts]:
    made = Accounts(database)
    yield made
    made.close()


async def create(accounts: Accounts, login: str = "jane", password: str = "secret", *groups: str) -> None:
    await accounts.create(login, password, "Jane Doe", groups)


def logins(accounts: Accounts) -> list[str]:
    return [found.account.login for found in accounts.all()]


async def test_a_new_account(accounts: Accounts) -> None:
    """Is as it was asked for, and its owner can sign in."""
    await create(accounts, "jane", "secret", "dev", "$ops")
    found = accounts.get("jane")
    assert (found.account.login, found.account.full_name, found.account.groups) == ("jane", "Jane Doe", ("dev", "$ops"))
    assert not found.account.is_disabled
    assert await accounts.signed_in("jane", "secret") == found.account


@pytest.mark.parametrize("password", ["", "Secret", "secret ", "secre"])
async def test_a_wrong_password(accounts: Accounts, password: str) -> None:
    """Nobody signs in with it, however often, nor after the right one was shown."""
    await create(accounts)
    for _ in range(2):
        assert await accounts.signed_in("jane", password) is None
        assert await accounts.signed_in("jane", "secret")


async def test_nobody(accounts: Accounts) -> None:
    """An account that is not there has no password."""
    assert await accounts.signed_in("jane", "") is None
    assert accounts.find("jane") is None
    with pytest.raises(UserNotFound, match="jane"):
        accounts.get("jane")


async def test_created_twice(accounts: Accounts, database: Database) -> None:
    """The same password again changes nothing, another one is a conflict."""
    await create(accounts)
    end = database.end
    await accounts.create("jane", "secret", "Other Name", ("x",))
    assert database.end == end
    with pytest.raises(UserConflict) as conflict:
        await create(accounts, "jane", "other")
    assert (conflict.value.login, conflict.value.try_again) == ("jane", False)


async def test_changes(accounts: Accounts) -> None:
    """Replace what they name, and leave the password."""
    await create(accounts)
    await accounts.change("jane", lambda account: replace(account, full_name="J.", groups=("x",)))
    account = await accounts.signed_in("jane", "secret")
    assert account
    assert (account.full_name, account.groups) == ("J.", ("x",))


async def test_a_disabled_account(accounts: Accounts) -> None:
    """Signs nobody in until it is enabled again."""
    await create(accounts)
    assert await accounts.signed_in("jane", "secret")
    await accounts.change("jane", lambda account: replace(account, is_disabled=True))
    assert await accounts.signed_in("jane", "secret") is None
    await accounts.change("jane", lambda account: replace(account, is_disabled=False))
    assert await accounts.signed_in("jane", "secret")


async def test_another_password(accounts: Accounts) -> None:
    """The old one is worth nothing from then on, though it was right before."""
    await create(accounts)
    assert await accounts.signed_in("jane", "secret")
    with pytest.raises(AccessDenied):
        await accounts.change_password("jane", "wrong", "new")
    await accounts.change_password("jane", "secret", "new")
    assert await accounts.signed_in("jane", "secret") is None
    assert await accounts.signed_in("jane", "new")
    await accounts.set_password("jane", "")
    assert await accounts.signed_in("jane", "")


async def test_a_deleted_account(accounts: Accounts) -> None:
    """Is gone, and its login name may have another owner."""
    await create(accounts)
    await accounts.delete("jane")
    assert await accounts.signed_in("jane", "secret") is None
    assert logins(accounts) == []
    await create(accounts, "jane", "other")
    assert await accounts.signed_in("jane", "other")
    assert logins(accounts) == ["jane"]


async def test_what_is_missing_can_not_be_changed(accounts: Accounts) -> None:
    """Each change names the login that is not there."""
    for change in (
        accounts.change("jane", lambda account: account),
        accounts.set_password("jane", "x"),
        accounts.change_password("jane", "x", "y"),
        accounts.delete("jane"),
    ):
        with pytest.raises(UserNotFound, match="jane"):
            await change


async def test_all_of_them(accounts: Accounts) -> None:
    """In the order of their creation, each once."""
    for number in range(300):
        await database_of(accounts).append("$users", ANY, [event("$User", b"ghost-%d" % number)])
    await accounts.create_built_in()
    await create(accounts, "zoe")
    await create(accounts, "jane")
    await accounts.set_password("zoe", "other")
    assert logins(accounts) == ["admin", "ops", "zoe", "jane"]


def database_of(accounts: Accounts) -> Database:
    return accounts._database


async def test_the_built_in_ones(accounts: Accounts, database: Database) -> None:
    """A new server has them; one that has been there already keeps its own."""
    await accounts.create_built_in()
    await accounts.set_password("admin", "other")
    end = database.end
    await accounts.create_built_in()
    assert database.end == end
    assert [found.account.groups for found in accounts.all()] == [("$admins",), ("$ops",)]
    assert await accounts.signed_in("admin", "changeit") is None
    assert await accounts.signed_in("admin", "other")
    assert await accounts.signed_in("ops", "changeit")


async def test_changes_at_the_same_time(tmp_path: Path) -> None:
    """One of them wins, the others may be tried again: nothing is lost without a word."""
    async with Database(SqliteStorage(tmp_path / "store.db")) as database:
        accounts = Accounts(database)
        await only_one(create(accounts, "jane", f"p-{number}") for number in range(5))
        await only_one(accounts.set_password("jane", f"p-{number}") for number in range(5))


async def only_one(changes: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Make the changes at the same time: one succeeds."""
    results = await asyncio.gather(*changes, return_exceptions=True)
    conflicts = [result for result in results if isinstance(result, UserConflict)]
    assert len(conflicts) == len(results) - 1
    assert all(conflict.try_again for conflict in conflicts)


async def test_a_stream_that_was_tombstoned(accounts: Accounts, database: Database) -> None:
    """An account can never be kept there again."""
    await create(accounts)
    await database.tombstone("$user-jane")
    with pytest.raises(UserConflict) as conflict:
        await create(accounts)
    assert not conflict.value.try_again


@pytest.mark.parametrize("data", [b"{", b"[]", b"{}", b'{"loginName":"jane","fullName":"","groups":1}'])
async def test_something_else_in_the_stream(accounts: Accounts, database: Database, data: bytes) -> None:
    """Whoever may write there may break an account: it is as good as gone."""
    await create(accounts)
    await database.append("$user-jane", ANY, [event(data=data)])
    assert accounts.find("jane") is None


async def test_accounts_outlive_the_server(tmp_path: Path) -> None:
    """They are in the file, and their passwords are not."""
    path = tmp_path / "store.db"
    async with Database(SqliteStorage(path)) as database:
        await create(Accounts(database), "jane", "very-secret-word")
    async with Database(SqliteStorage(path)) as database:
        assert await Accounts(database).signed_in("jane", "very-secret-word")
        assert read(database, "$user-jane") == [0]
    assert b"very-secret-word" not in path.read_bytes()


async def test_when_an_account_was_changed(clock: Clock) -> None:
    """The time of its last event."""
    async with Database(clock=clock) as database:
        accounts = Accounts(database)
        await create(accounts)
        clock.move(60)
        await accounts.set_password("jane", "x")
        assert accounts.get("jane").updated == clock.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_hashes_are_salted() -> None:
    """The same password twice is two hashes, and neither shows."""
    one, two = PasswordHash.of("secret"), PasswordHash.of("secret")
    assert one != two
    assert one.matches("secret")
    assert two.matches("secret")
    assert not one.matches("Secret")
    assert repr(one) == "PasswordHash()"


async def test_a_right_password_is_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs its hash once, and a wrong one each time; only so many are known."""
    costs = checked_passwords(monkeypatch)
    monkeypatch.setattr(account, "MAX_KNOWN", 2)
    known, stored = Passwords(), PasswordHash.of("right")
    answers = [await known.check(text, stored) for text in ("right", "wrong", "right", "wrong")]
    assert answers == [True, False, True, False]
    assert costs == ["right", "wrong", "wrong"]
    for other in [PasswordHash.of("right") for _ in range(2)]:
        assert await known.check("right", other)
    assert await known.check("right", stored)
    assert costs[3:] == ["right"] * 3
    known.close()


async def test_a_password_that_many_show_at_once(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls with which a client begins cost one hash together."""
    await create(accounts)
    costs = checked_passwords(monkeypatch)
    assert all(await asyncio.gather(*(accounts.signed_in("jane", "secret") for _ in range(20))))
    assert costs == ["secret"]


async def test_nobody_learns_which_accounts_there_are(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password costs one hash, whether there is such an account, a disabled one or none at all."""
    await create(accounts)
    await create(accounts, "off")
    await accounts.change("off", lambda account: replace(account, is_disabled=True))
    costs = checked_passwords(monkeypatch)
    for count, login in enumerate(("jane", "off", "nobody"), 1):
        assert await accounts.signed_in(login, "wrong") is None
        assert costs == ["wrong"] * count


async def test_hashes_are_made_on_a_thread(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else waits while a password is checked or set."""
    threads: list[int] = []
    scrypt = account._scrypt

    def traced(password: str, salt: bytes) -> bytes:
        threads.append(threading.get_ident())
        return scrypt(password, salt)

    monkeypatch.setattr(account, "_scrypt", traced)
    await create(accounts)
    await accounts.signed_in("jane", "wrong")
    await accounts.set_password("jane", "new")
    assert len(threads) == 3
    assert threading.get_ident() not in threads


def checked_passwords(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that a hash is made of from now on, to check them."""
    costs: list[str] = []
    check = PasswordHash.matches

    def matches(stored: PasswordHash, password: str) -> bool:
        costs.append(password)
        return check(stored, password)

    monkeypatch.setattr(PasswordHash, "matches", matches)
    return costs
