"""The options of a connection string: their values, and the table from which all else about them is made."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fastapi_esdb.settings.choices import NodePreference, TransportKind
from fastapi_esdb.settings.kinds import Choice, FilePath, Flag, HeaderText, Kind, Whole, as_text
from fastapi_esdb.settings.text import decode, encode, problem

MILLISECONDS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Every option, in the unit the option has in a connection string; what it means stands in `options.OPTIONS`.

    Times are in **milliseconds**, except `gossip_timeout`, which is in **seconds** as in the official clients.
    `default_deadline` is in milliseconds as the official documentation has it; kurrentdbclient (Python) reads the same
    option in seconds, so a string made for it means a thousandth here.
    """

    tls: bool = True
    tls_verify_cert: bool = True
    tls_ca_file: Path | None = None
    user_cert_file: Path | None = None
    user_key_file: Path | None = field(default=None, repr=False)
    connection_name: str | None = None
    node_preference: NodePreference = NodePreference.LEADER
    dns_discover: bool = False
    max_discover_attempts: int = 10
    discovery_interval: int = 100
    gossip_timeout: int = 5
    default_deadline: int = 10_000
    keep_alive_interval: int = 10_000
    keep_alive_timeout: int = 10_000
    throw_on_append_failure: bool = True
    use_proxy: bool = False
    transport: TransportKind = TransportKind.GRPCIO

    def __post_init__(self) -> None:
        if self.user_cert_file is not None and self.user_key_file is None:
            raise problem("userCertFile", "needs its private key beside it: set userKeyFile (ESDB_USER_KEY_FILE), too")
        if self.user_key_file is not None and self.user_cert_file is None:
            raise problem("userKeyFile", "needs its certificate beside it: set userCertFile (ESDB_USER_CERT_FILE), too")

    def __copy__(self) -> ConnectionOptions:
        return self

    def __deepcopy__(self, memo: object) -> ConnectionOptions:
        return self

    def __getstate__(self) -> list[object]:
        """Return what pickling writes down, as dataclasses have it."""
        if self.user_key_file is not None:
            raise TypeError("ConnectionOptions with a userKeyFile can't be pickled, since that would write it down")
        return [getattr(self, option.name) for option in fields(self)]


_DEFAULTS = ConnectionOptions()
_UPPER = re.compile("(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name in a connection string, the values it takes, and what it does."""

    name: str
    kind: Kind
    description: str
    hidden: bool = False
    """Whether its value is left out where passwords are."""

    @property
    def field(self) -> str:
        """Return its name in `ConnectionOptions` and `EsdbSettings`."""
        return _UPPER.sub("_", self.name).lower()

    @property
    def env(self) -> str:
        """Return the environment variable that overrides it."""
        return f"ESDB_{self.field.upper()}"

    @property
    def default(self) -> object:
        """Return the value without the option; `None` where there is none."""
        return getattr(_DEFAULTS, self.field)

    @property
    def unit(self) -> str:
        """Return the unit of a number, empty for anything else."""
        return self.kind.unit


_MILLISECONDS = "milliseconds"
_MAX_GOSSIP_SECONDS = 600
"""Who writes milliseconds here by mistake (as in `gossipTimeout=3000`) shall not wait for an hour."""

OPTIONS: tuple[Option, ...] = (
    Option("tls", Flag(), "Encrypt the connection. `false` is for servers that run insecure."),
    Option("tlsVerifyCert", Flag(), "Check the server's certificate. `false` is for trying things out only."),
    Option("tlsCaFile", FilePath(), "PEM file of the authorities to trust instead of the system's."),
    Option("userCertFile", FilePath(), "PEM file of an X.509 user certificate; goes with `userKeyFile`."),
    Option("userKeyFile", FilePath(), "PEM file of the private key to `userCertFile`.", hidden=True),
    Option("connectionName", HeaderText(), "Name that the server shows for this connection."),
    Option(
        "nodePreference",
        Choice(NodePreference),
        "Role of the cluster member that reads and subscriptions go to. Writes go to the leader.",
    ),
    Option("dnsDiscover", Flag(), "As the `+discover` of the scheme (an option of the Java client)."),
    Option("maxDiscoverAttempts", Whole("attempts"), "How often a call has the cluster asked for a usable node."),
    Option("discoveryInterval", Whole(_MILLISECONDS), "Pause between two attempts at discovery."),
    Option("gossipTimeout", Whole("seconds", _MAX_GOSSIP_SECONDS), "How long one node may take to name the members."),
    Option(
        "defaultDeadline",
        Whole(_MILLISECONDS),
        "Deadline of a call that sets none. In milliseconds, as official documentation says; kurrentdbclient: seconds.",
    ),
    Option(
        "keepAliveInterval",
        Whole(_MILLISECONDS, can_be_off=True),
        "Time without traffic before a ping; below 10000, servers may close the connection.",
    ),
    Option("keepAliveTimeout", Whole(_MILLISECONDS, can_be_off=True), "Time a ping may take; then the link is lost."),
    Option(
        "throwOnAppendFailure",
        Flag(),
        "Read for strings shared with .NET and Node.js clients; a failed append always raises here.",
    ),
    Option("useProxy", Flag(), "Go through the HTTP proxy that the environment names; an option of this client only."),
    Option("transport", Choice(TransportKind), "HTTP/2 of grpcio, or our own; an option of this client only."),
)
"""Every option of the official clients that means something outside of them, and two of our own."""


def _plain(name: str) -> str:
    """Return the name without what doesn't matter in it: case, `_` and `-` (those two as in the Node.js client)."""
    return name.lower().replace("_", "").replace("-", "")


_BY_NAME = {_plain(option.name): option for option in OPTIONS}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that looks most like `name`."""
    by_plain_name = {_plain(candidate): candidate for candidate in known}
    return by_plain_name[difflib.get_close_matches(_plain(name[:40]), by_plain_name, n=1, cutoff=0)[0]]


def parse_options(query: str) -> dict[str, Any]:
    """Return the values of the options in `query` (the text behind the `?`), by the name of their field.

    Raises `InvalidConnectionString` for an unknown or doubled option and a value that the option does not take.
    """
    values: dict[str, Any] = {}
    for number, pair in enumerate(query.split("&") if query else (), 1):
        name, equals, text = pair.partition("=")
        option = _find(name, f"option {number}")
        if option.field in values:
            raise problem(option.name, "is given twice: keep one")
        values[option.field] = _parse_value(option, text if equals else "")
    return values


def _find(name: str, part: str) -> Option:
    if not name:
        raise problem(part, "has no name: options are written name=value, with an '&' between two")
    if option := _BY_NAME.get(_plain(name)):
        return option
    likely = nearest(name, (option.name for option in OPTIONS))
    raise problem(part, f"is unknown; the nearest known name is {likely}")


def _parse_value(option: Option, text: str) -> object:
    try:
        return option.kind.parse(decode(text))
    except ValueError as error:
        wrong = str(error)
    raise problem(option.name, wrong)


def render_options(options: ConnectionOptions, redact: bool) -> str:
    """Return the query that `parse_options` reads back: each option not at its default, in the table's order."""
    changed = [option for option in OPTIONS if getattr(options, option.field) != option.default]
    return "&".join(f"{option.name}={_render_value(option, options, redact)}" for option in changed)


def _render_value(option: Option, options: ConnectionOptions, redact: bool) -> str:
    return "***" if redact and option.hidden else encode(as_text(getattr(options, option.field)), keep="/:")
