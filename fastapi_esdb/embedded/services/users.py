"""The Users service, which creates, changes and describes accounts."""

from __future__ import annotations

from dataclasses import replace

from fastapi_esdb.embedded.access.account import StoredAccount
from fastapi_esdb.embedded.access.accounts import Accounts
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.wire.admin.users import (
    ChangePassword,
    CreateUser,
    ResetPassword,
    UpdateUser,
    UserDetails,
    UserDetailsRequest,
    UserName,
)
from fastapi_esdb.wire.errors import InvalidArgument


class UserService:
    """Manages accounts, on servers with users only: a real one with `--insecure` never answers these calls.

    All but `create` raise UserNotFound.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def create(self, call: Call[CreateUser, None]) -> None:
        """Add an account."""
        request = await call.request()
        if not request.login_name:
            raise InvalidArgument("login_name is empty: give it at least one character")
        await self._accounts.create(request.login_name, request.password, request.full_name, request.groups)
        await call.send(None)

    async def update(self, call: Call[UpdateUser, None]) -> None:
        """Replace full name and groups."""
        request = await call.request()
        await self._accounts.change(
            request.login_name,
            lambda account: replace(account, full_name=request.full_name, groups=request.groups),
        )
        await call.send(None)

    async def delete(self, call: Call[UserName, None]) -> None:
        """Remove an account; its login name may be used again."""
        await self._accounts.delete((await call.request()).login_name)
        await call.send(None)

    async def enable(self, call: Call[UserName, None]) -> None:
        """Let a user in again."""
        await self._set_disabled(call, is_disabled=False)

    async def disable(self, call: Call[UserName, None]) -> None:
        """Keep a user out."""
        await self._set_disabled(call, is_disabled=True)

    async def change_password(self, call: Call[ChangePassword, None]) -> None:
        """Change a password, for anybody who knows it."""
        request = await call.request()
        await self._accounts.change_password(request.login_name, request.current_password, request.new_password)
        await call.send(None)

    async def reset_password(self, call: Call[ResetPassword, None]) -> None:
        """Give a user another password."""
        request = await call.request()
        await self._accounts.set_password(request.login_name, request.new_password)
        await call.send(None)

    async def details(self, call: Call[UserDetailsRequest, UserDetails]) -> None:
        """Describe one account, or without a name all of them."""
        login = (await call.request()).login_name
        for found in [self._accounts.get(login)] if login else self._accounts.all():
            await call.send(_details(found))

    async def _set_disabled(self, call: Call[UserName, None], *, is_disabled: bool) -> None:
        request = await call.request()
        await self._accounts.change(request.login_name, lambda account: replace(account, is_disabled=is_disabled))
        await call.send(None)


def _details(found: StoredAccount) -> UserDetails:
    account = found.account
    return UserDetails(account.login, account.full_name, account.groups, account.is_disabled, found.updated)
