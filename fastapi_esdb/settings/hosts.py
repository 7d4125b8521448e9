"""The hosts of a connection string."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from fastapi_esdb.settings.text import problem

DEFAULT_PORT = 2113
"""The port EventStoreDB and KurrentDB listen on."""

_LABEL = "(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*\.?")
_DIGITS_AND_DOTS = re.compile(r"[0-9.]+")
_BRACKETED = re.compile(r"\[(?P<name>[^\[\]]*)\](:(?P<port>.*))?")
_PLAIN = re.compile(r"(?P<name>[^:\[\]]*)(:(?P<port>[^:]*))?")
_PORT = re.compile("[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Host:
    """One `host:port`. `name` is a DNS name, an IPv4 or an IPv6 address, the latter without brackets."""

    name: str
    port: int = DEFAULT_PORT

    @property
    def address(self) -> str:
        """Return `name:port`, with brackets around an IPv6 address, as gRPC and connection strings write it."""
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


def host_named(name: str, port: int) -> Host | None:
    """Return the host that a server names; `None` for a name or port that no connection string could have."""
    return Host(name, port) if (_is_name(name) or _is_ipv6(name)) and _is_port(port) else None


def is_address(name: str) -> bool:
    """Return whether a host's name is an address, so that nobody needs to resolve it."""
    return _is_ipv6(name) or bool(_DIGITS_AND_DOTS.fullmatch(name) and _is_name(name))


def is_loopback(host: Host) -> bool:
    """Return whether the host is this machine, by its name or address."""
    if is_address(host.name):
        return ip_address(host.name).is_loopback
    return host.name.rstrip(".").lower() == "localhost"


def parse_hosts(text: str) -> tuple[Host, ...]:
    """Return the hosts between commas. Raises `InvalidConnectionString`, which names the wrong one by its number."""
    return tuple(_parse_host(part, f"host {number}") for number, part in enumerate(text.split(","), 1))


def _parse_host(text: str, part: str) -> Host:
    if not text:
        raise problem(part, "is empty; hosts look like localhost:2113, with a ',' between two")
    found = _BRACKETED.fullmatch(text) or _PLAIN.fullmatch(text)
    if not found:
        raise problem(part, "must be name:port; an IPv6 address stands in brackets, as in [::1]:2113")
    if not (_is_ipv6(found["name"]) if text.startswith("[") else _is_name(found["name"])):
        raise problem(part, "must be a DNS name of ASCII characters, an IPv4 address, or an IPv6 address in brackets")
    return Host(found["name"], _parse_port(found["port"], part))


def _parse_port(text: str | None, part: str) -> int:
    if text is None:
        return DEFAULT_PORT
    if not _PORT.fullmatch(text) or not _is_port(int(text)):
        raise problem(part, "port must be a number from 1 to 65535; in a password, '/' is written %2F and '?' %3F")
    return int(text)


def _is_port(number: int) -> bool:
    return 1 <= number <= 65535  # noqa: PLR2004 - the range of a TCP port


def _is_name(text: str) -> bool:
    """Return whether it is a DNS name or an IPv4 address. `_` is no letter of DNS, but container networks use it."""
    if not _DIGITS_AND_DOTS.fullmatch(text):
        return bool(_NAME.fullmatch(text))
    with suppress(ValueError):
        return bool(IPv4Address(text))
    return False


def _is_ipv6(text: str) -> bool:
    """Return whether it is an IPv6 address; one with a zone is none: zones mean something on one machine only."""
    with suppress(ValueError):
        return "%" not in text and bool(IPv6Address(text))
    return False
