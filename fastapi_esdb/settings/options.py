"""The options of a connection string, as a table: parsing, rendering, settings and documentation are made from it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi_esdb.settings.connection_options import ConnectionOptions
from fastapi_esdb.settings.kinds import FilePath, Flag, HeaderText, Kind, Preference, Whole, as_text
from fastapi_esdb.settings.percent import decode, encode
from fastapi_esdb.settings.problem import problem

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
        """Its name in `ConnectionOptions` and `EsdbSettings`."""
        return _UPPER.sub("_", self.name).lower()

    @property
    def env(self) -> str:
        """The environment variable that overrides it."""
        return f"ESDB_{self.field.upper()}"

    @property
    def default(self) -> object:
        """The value without the option; `None` where there is none."""
        return getattr(_DEFAULTS, self.field)

    @property
    def unit(self) -> str:
        """The unit of a number, empty for anything else."""
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
        Preference(),
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
)
"""Every option of the official clients that means something outside of them, and one of our own."""


def _plain(name: str) -> str:
    """The name without what doesn't matter in it: case, `_` and `-` (the latter two as in the Node.js client)."""
    return name.lower().replace("_", "").replace("-", "")


_BY_NAME = {_plain(option.name): option for option in OPTIONS}


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like `name`."""
    by_plain_name = {_plain(candidate): candidate for candidate in known}
    return by_plain_name[difflib.get_close_matches(_plain(name[:40]), by_plain_name, n=1, cutoff=0)[0]]


def parse_options(query: str) -> dict[str, Any]:
    """The values of the options in `query` (the text behind the `?`), by the name of their field.

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
    """The query that `parse_options` reads back: every option that is not at its default, in the table's order."""
    changed = [option for option in OPTIONS if getattr(options, option.field) != option.default]
    return "&".join(f"{option.name}={_render_value(option, options, redact)}" for option in changed)


def _render_value(option: Option, options: ConnectionOptions, redact: bool) -> str:
    return "***" if redact and option.hidden else encode(as_text(getattr(options, option.field)), keep="/:")
