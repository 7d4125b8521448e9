"""The accounts of a server, kept in its database so that they are as durable as everything else."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from fastapi_esdb.embedded.access.account import (
    CREATED,
    SALT_SIZE,
    UPDATED,
    Account,
    PasswordHash,
    Passwords,
    StoredAccount,
    decode_account,
    encode_account,
    stream_of,
)
from fastapi_esdb.embedded.access.caller import ADMINS, OPERATORS
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.errors import (
    AccessDenied,
    EsdbError,
    StreamDeleted,
    UserConflict,
    UserNotFound,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM

log = logging.getLogger(__name__)

DIRECTORY = "$users"
"""The stream with the login names of all accounts that have ever existed."""

LISTED = "$User"

BUILT_IN = (("admin", "KurrentDB Administrator", ADMINS), ("ops", "KurrentDB Operations", OPERATORS))
"""The accounts of every new server."""

BUILT_IN_PASSWORD = "changeit"  # noqa: S105  the one that every server comes with
PAGE = 256


class Accounts:
    """Finds and changes accounts. Of two changes of an account at the same time one raises UserConflict."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._passwords = Passwords()
        self._nobodys = PasswordHash(secrets.token_bytes(SALT_SIZE), secrets.token_bytes(SALT_SIZE))

    def close(self) -> None:
        """Check no more passwords."""
        self._passwords.close()

    def find(self, login: str) -> StoredAccount | None:
        """Return the account, or `None` if there is none."""
        record = self._database.newest_event(stream_of(login))
        return None if record is None else decode_account(record)

    def get(self, login: str) -> StoredAccount:
        """Return the account. Raises UserNotFound."""
        found = self.find(login)
        if found is None:
            raise UserNotFound(login)
        return found

    def all(self) -> Iterator[StoredAccount]:
        """Return all accounts, in the order of their creation."""
        for login in dict.fromkeys(self._logins()):
            if found := self.find(login):
                yield found

    async def signed_in(self, login: str, password: str) -> Account | None:
        """Return the account if the password is right; `None` if not, or if the account is disabled or missing.

        A password is checked in any case, so that the time that it takes does not reveal which accounts exist.
        """
        found = self.find(login)
        is_right = await self._passwords.check(password, found.account.password if found else self._nobodys)
        return found.account if found and is_right and not found.account.is_disabled else None

    def enabled(self, login: str) -> Account | None:
        """Return the account; `None` if it is disabled or missing."""
        found = self.find(login)
        return found.account if found and not found.account.is_disabled else None

    async def create(self, login: str, password: str, full_name: str, groups: tuple[str, ...]) -> None:
        """Add an account. The same login with the same password again changes nothing; else raises UserConflict."""
        if existing := self.find(login):
            if not await self._passwords.check(password, existing.account.password):
                raise UserConflict(login)
            return
        await self._add(Account(login, full_name, groups, await self._passwords.hashed(password)))

    async def change(self, login: str, change: Callable[[Account], Account]) -> None:
        """Replace an account by the result of `change`. Raises UserNotFound."""
        found = self.get(login)
        await self._replace(found, change(found.account))

    async def set_password(self, login: str, password: str) -> None:
        """Give an account another password. Raises UserNotFound."""
        found = self.get(login)
        await self._replace(found, replace(found.account, password=await self._passwords.hashed(password)))

    async def change_password(self, login: str, current: str, new: str) -> None:
        """Give an account another password if the current one is right. Raises AccessDenied and UserNotFound."""
        if not await self._passwords.check(current, self.get(login).account.password):
            raise AccessDenied
        await self.set_password(login, new)

    async def delete(self, login: str) -> None:
        """Remove an account. Raises UserNotFound."""
        found = self.get(login)
        with _conflicts(login):
            await self._database.delete(stream_of(login), found.revision)

    async def create_built_in(self) -> None:
        """Create those built-in accounts that do not exist yet."""
        for login, full_name, group in BUILT_IN:
            if self.find(login) is None:
                try:
                    await self.create(login, BUILT_IN_PASSWORD, full_name, (group,))
                except EsdbError as error:
                    log.error("the user %s can't be read in %s, nor made anew: %s", login, stream_of(login), error)

    async def _replace(self, found: StoredAccount, account: Account) -> None:
        with _conflicts(account.login):
            event = encode_account(account, UPDATED)
            await self._database.append(stream_of(account.login), found.revision, [event])

    async def _add(self, account: Account) -> None:
        """List the account before it is created: one that is listed and does not exist is ignored."""
        listed = ProposedEvent(uuid4(), LISTED, account.login.encode(), content_type=OCTET_STREAM)
        await self._database.append(DIRECTORY, ANY, [listed])
        with _conflicts(account.login):
            event = encode_account(account, CREATED)
            await self._database.append(stream_of(account.login), NO_STREAM, [event])

    def _logins(self) -> Iterator[str]:
        """The logins in the list; a name may occur several times."""
        start, is_end = 0, False
        while not is_end:
            page = self._database.read_stream(DIRECTORY, start, limit=PAGE)
            yield from (record.data.decode(errors="replace") for record in page.records)
            start, is_end = page.next, page.is_end


@contextmanager
def _conflicts(login: str) -> Iterator[None]:
    """The account was changed in the meantime, or its stream was tombstoned, which ends it for good."""
    try:
        yield
    except WrongExpectedRevision as error:
        raise UserConflict(login, try_again=True) from error
    except StreamDeleted as error:
        raise UserConflict(login) from error
