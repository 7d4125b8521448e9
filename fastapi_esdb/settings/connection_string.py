"""Where the database is and how to talk to it, in one line of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Secret, SecretStr

from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.hosts import Host, parse_hosts
from fastapi_esdb.settings.options import ConnectionOptions, parse_options, render_options
from fastapi_esdb.settings.text import decode, encode, has_control, problem, variables_hidden

_DISCOVER = ("esdb+discover", "kurrentdb+discover", "kdb+discover")
_EMBEDDED = ("esdb+embedded", "kurrentdb+embedded")
SCHEMES = ("esdb", "kurrentdb", "kdb", *_DISCOVER, *_EMBEDDED)
"""What a connection string may start with, before `://`. `esdb`, `kurrentdb` and `kdb` mean the same."""

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionString:
    """A parsed connection string. Its `repr` and `str` show no password.

        esdb://[user:password@]host[:port][,host[:port]...][/][?option=value[&option=value...]]
        esdb+discover://[user:password@]host[:port][,...][/][?...]   the nodes are found through these
        esdb+embedded://[?...]                                    a server in this process, in memory
        esdb+embedded:///path/to/file.db[?...]                    ... that keeps its data in a file

    `hosts` is empty and `file` may be set for the embedded server only.
    """

    scheme: str
    hosts: tuple[Host, ...] = ()
    credentials: Credentials | None = None
    options: ConnectionOptions = field(default_factory=ConnectionOptions)
    file: Path | None = None

    def __post_init__(self) -> None:
        _check_scheme(self.scheme)
        if self.embedded:
            self._check_embedded()
        else:
            self._check_remote()

    def _check_embedded(self) -> None:
        if self.hosts:
            raise problem("host", "the embedded server has none; a file is written esdb+embedded:///path/to/file.db")
        if self.file is not None and not (self.file.is_absolute() and self.file.name):
            raise problem("file", "must be the absolute path of a file, as in esdb+embedded:///path/to/file.db")

    def _check_remote(self) -> None:
        if self.file is not None:
            raise problem("path", "must be empty or '/'; in a password, '/' is written %2F")
        if not self.hosts:
            raise problem("host", "is missing, as in esdb://localhost:2113")

    @property
    def embedded(self) -> bool:
        """Return whether the server is to run in this process."""
        return self.scheme in _EMBEDDED

    @property
    def discover(self) -> bool:
        """Return whether the hosts are only asked for the members of the cluster, instead of being the node to use."""
        return self.scheme in _DISCOVER or self.options.dns_discover or len(self.hosts) > 1

    @classmethod
    def parse(cls, text: str, overrides: Mapping[str, Any] = _NONE) -> ConnectionString:
        """Read a connection string; `overrides` are values by `ConnectionOptions` field that win over the text's.

        Raises `InvalidConnectionString`, which names the wrong part and what would be right, never the text.
        """
        given = Secret((text, overrides))
        del text, overrides
        with variables_hidden():
            return cls._parse(*given.get_secret_value())

    @classmethod
    def _parse(cls, text: str, overrides: Mapping[str, Any]) -> ConnectionString:
        scheme, rest = _split_scheme(text)
        address, _, query = rest.partition("?")
        authority, _, path = address.partition("/")
        user_info, at, hosts = authority.rpartition("@")
        return cls(
            scheme=scheme,
            hosts=() if scheme in _EMBEDDED and not hosts else parse_hosts(hosts),
            credentials=_parse_credentials(user_info) if at else None,
            options=ConnectionOptions(**{**parse_options(query), **overrides}),
            file=_parse_file(path) if path else None,
        )

    def render(self, redact: bool = True) -> str:
        """Return it as text. Only with `redact=False` that holds the password, and `parse` reads it back."""
        query = render_options(self.options, redact)
        hosts = ",".join(host.address for host in self.hosts)
        file = encode(str(self.file), keep="/") if self.file else ""
        return f"{self.scheme}://{self._render_user_info(redact)}{hosts}{file}" + (f"?{query}" if query else "")

    def _render_user_info(self, redact: bool) -> str:
        if self.credentials is None:
            return ""
        password = "***" if redact else encode(self.credentials.password.get_secret_value())
        return f"{encode(self.credentials.username)}:{password}@"

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return f"ConnectionString.parse({self.render()!r})"


def fields_named_in(text: str) -> frozenset[str]:
    """Return the settings that a connection string's text says something about. Raises `InvalidConnectionString`."""
    named = frozenset(parse_options(text.partition("?")[2]))
    return named | {"username", "password"} if ConnectionString.parse(text).credentials else named


def _split_scheme(text: str) -> tuple[str, str]:
    """Return the scheme in lower case, and what follows `://`."""
    if not isinstance(text, str):
        raise problem("text", f"must be a str, not {type(text).__name__}")
    if has_control(text) or any(character.isspace() for character in text):
        raise problem("text", "must not hold blanks or control characters; a blank is written %20")
    if "#" in text:
        raise problem("text", "must not hold '#'; in a password or value it is written %23")
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise problem("scheme", "is missing; a connection string starts like esdb:// or kurrentdb+discover://")
    _check_scheme(scheme.lower())
    return scheme.lower(), rest


def _check_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise problem("scheme", f"must be one of {', '.join(SCHEMES)}")


def _parse_credentials(user_info: str) -> Credentials:
    if "@" in user_info:
        raise problem("user info", "holds an '@' too many; in a user name or password it is written %40")
    username, colon, password = user_info.partition(":")
    if not colon:
        raise problem("user info", "must be user:password; without both, ESDB_USERNAME and ESDB_PASSWORD can set them")
    try:
        return Credentials(decode(username), SecretStr(decode(password)))
    except ValueError as error:
        wrong = str(error)
    raise problem("user info", wrong)


def _parse_file(path: str) -> Path:
    if path.endswith("/"):
        raise problem("path", "must be empty, or a file of the embedded server; in a password, '/' is written %2F")
    try:
        decoded = decode(path)
    except ValueError as error:
        wrong = str(error)
    else:
        return Path("/" + decoded)
    raise problem("path", wrong)
