"""The server's own users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from pydantic import Secret

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import ConnectionPart, Options, listed, write
from fastapi_esdb.connection.caller import CallOptions
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
from fastapi_esdb.wire.errors import AccessDenied, CalledAs, InvalidArgument, UserNotFound
from fastapi_esdb.wire.method import Method, Request


class Users(ConnectionPart):
    """Users, by their login names. Changing them is for members of `$admins`, except one's own password.

    Every call takes the `Options` that all calls take. Beside what all calls raise there are `UserNotFound`,
    `UserConflict`, and `OutcomeUnknown` where the answer is lost. A server that runs without users (`--insecure`)
    stays silent, so that the deadline passes; the embedded one raises `NotSupported` then.
    """

    async def create(
        self, login: str, password: str, *, full_name: str = "", groups: Iterable[str] = (), **options: Unpack[Options]
    ) -> None:
        """Add a user; the same user once more is no error. Groups are roles for access lists and administration."""
        hidden = Secret(password)
        del password
        request = CreateUser(_login(login), _password(hidden), _full_name(full_name), _groups(groups))
        await self._write(CREATE_USER, request, login, options)

    async def update(
        self, login: str, *, full_name: str, groups: Iterable[str] = (), **options: Unpack[Options]
    ) -> None:
        """Replace the full name and all groups."""
        request = UpdateUser(_login(login), _full_name(full_name), _groups(groups))
        await self._write(UPDATE_USER, request, login, options)

    async def delete(self, login: str, **options: Unpack[Options]) -> None:
        """Remove a user."""
        await self._write(DELETE_USER, UserName(_login(login)), login, options)

    async def enable(self, login: str, **options: Unpack[Options]) -> None:
        """Let a user in again."""
        await self._write(ENABLE_USER, UserName(_login(login)), login, options)

    async def disable(self, login: str, **options: Unpack[Options]) -> None:
        """Keep a user out: all of their calls are then refused with `NotAuthenticated`."""
        await self._write(DISABLE_USER, UserName(_login(login)), login, options)

    async def change_password(self, login: str, current: str, new: str, **options: Unpack[Options]) -> None:
        """Change one's own password; `AccessDenied` where `current` is not right."""
        hidden = Secret(current), Secret(new)
        del current, new
        request = ChangePassword(_login(login), _known(hidden[0], "current"), _password(hidden[1], "new"))
        try:
            await self._write(CHANGE_PASSWORD, request, login, options)
        except AccessDenied as error:
            # what was denied is the password of the call, whoever the connection is
            error.called_as = CalledAs.CALLER
            raise

    async def reset_password(self, login: str, new: str, **options: Unpack[Options]) -> None:
        """Change somebody's password as an administrator."""
        hidden = Secret(new)
        del new
        await self._write(RESET_PASSWORD, ResetPassword(_login(login), _password(hidden, "new")), login, options)

    async def details(self, login: str, **options: Unpack[Options]) -> UserDetails:
        """Return one user. Raises `UserNotFound`."""
        found = await self._details(UserDetailsRequest(_login(login)), options)
        if not found:
            raise UserNotFound(login)
        return found[0]

    async def list(self, **options: Unpack[Options]) -> tuple[UserDetails, ...]:
        """Return all users."""
        return await self._details(UserDetailsRequest(), options)

    async def _details(self, request: UserDetailsRequest, options: Options) -> tuple[UserDetails, ...]:
        async with self._carrier.stream(USER_DETAILS, [request], CallOptions.of(**options)) as answers:
            return await listed(answers)

    async def _write(self, method: Method[Request, None], request: Request, login: str, options: Options) -> None:
        await write(self._carrier, method, request, login, CallOptions.of(**options))


def _login(login: str) -> str:
    return arguments.text(login, "login")


def _password(hidden: Secret[str], name: str = "password") -> str:
    """A new password. An empty one would let nobody in: see `Credentials`."""
    if not _known(hidden, name):
        raise InvalidArgument(f"{name} must not be empty")
    return hidden.get_secret_value()


def _known(hidden: Secret[str], name: str) -> str:
    """A password that the server may know. Neither error nor traceback shows it, not even the variables there."""
    kind = type(hidden.get_secret_value())
    if not issubclass(kind, str):
        raise InvalidArgument(f"{name} must be of type str, not {kind.__name__}")
    if not _is_utf8(hidden.get_secret_value()):
        raise InvalidArgument(f"{name} has characters that UTF-8 cannot encode")
    return hidden.get_secret_value()


def _is_utf8(text: str) -> bool:
    return text == text.encode(errors="ignore").decode()


def _full_name(name: str) -> str:
    return arguments.text_or_empty(name, "full_name")


def _groups(groups: Iterable[str]) -> tuple[str, ...]:
    several = (groups,) if isinstance(groups, str) else tuple(arguments.instance(groups, Iterable, "groups"))
    return tuple(arguments.text(group, "groups") for group in several)
