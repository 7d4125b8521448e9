"""The values behind the `?` of a connection string."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from fastapi_esdb.settings.node_preference import NodePreference
from fastapi_esdb.settings.problem import problem


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
        """What pickling writes down, as dataclasses have it."""
        if self.user_key_file is not None:
            raise TypeError("ConnectionOptions with a userKeyFile can't be pickled, since that would write it down")
        return [getattr(self, option.name) for option in fields(self)]
