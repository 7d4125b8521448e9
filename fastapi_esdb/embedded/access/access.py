"""Decides which calls are admitted, and to which streams."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi_esdb.embedded.access.accounts import Accounts
from fastapi_esdb.embedded.access.caller import ADMINISTRATOR, ANONYMOUS, Caller, Rank, rank_needed
from fastapi_esdb.embedded.access.rights import Right, Rights
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.errors import AccessDenied, NotAuthenticated
from fastapi_esdb.wire.headers import KnownHeaders, parse_basic
from fastapi_esdb.wire.method import Method


class Access:
    """Admits callers and checks their rights.

    Args:
        database: where users and access lists are kept.
        accounts: the users. Without them every caller is an administrator, as on a server with `--insecure`.
    """

    def __init__(self, database: Database, accounts: Accounts | None = None) -> None:
        self._database = database
        self._rights = Rights(database)
        self.accounts = accounts

    async def admit(self, method: Method[Any, Any], headers: KnownHeaders) -> Caller:
        """Return the caller. Raises NotAuthenticated for wrong credentials, AccessDenied if the rank is too low."""
        caller = await self._caller(headers)
        if caller.rank < rank_needed(method):
            raise AccessDenied
        return caller

    def allows(self, caller: Caller, stream: str, right: Right) -> bool:
        """Return whether the caller may do this with the stream. `$all` can only be read."""
        return self._rights.allow(caller, stream, right)

    def require(self, caller: Caller, stream: str, right: Right) -> None:
        """Raise AccessDenied if the caller has no right to do this."""
        if not self.allows(caller, stream, right):
            raise AccessDenied

    async def while_allowed(self, caller: Caller, stream: str, right: Right, work: Coroutine[Any, Any, None]) -> None:
        """Run something that takes long. Raises AccessDenied as soon as the caller loses the right."""
        if caller.rank is Rank.ADMIN:
            await work
            return
        tasks = [asyncio.create_task(work), asyncio.create_task(self._until_denied(caller, stream, right))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):  # the other one was cancelled, which is none
                raise outcome

    async def _until_denied(self, caller: Caller, stream: str, right: Right) -> None:
        end = self._database.end
        while self.allows(caller, stream, right):
            await self._database.wait(end, *self._rights.sources(stream))
            end = self._database.end
        raise AccessDenied

    async def _caller(self, headers: KnownHeaders) -> Caller:
        if self.accounts is None:
            return ADMINISTRATOR
        credentials = parse_basic(headers.authorization)
        if credentials is None:
            return ANONYMOUS
        account = await self.accounts.signed_in(credentials.user, credentials.password)
        if account is None:
            raise NotAuthenticated
        return Caller(account.login, frozenset(account.groups))
