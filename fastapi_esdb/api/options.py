"""What every call takes beside its own arguments."""

from __future__ import annotations

from typing import TypedDict

from fastapi_esdb.api.calls import call_options
from fastapi_esdb.connection.transport import CallOptions
from fastapi_esdb.settings.credentials import Credentials


class Options(TypedDict, total=False):
    """How one call is to be made.

    `timeout` (seconds) bounds everything in the call: waiting for a connection, retries, the answer; left out, the
    settings' deadline does. `credentials` stand in for the connection's own. `requires_leader` makes a node that is
    not the leader of its cluster refuse: left out, it does so for writes; `False` has the node that the settings
    prefer pass them on.
    """

    timeout: float | None
    credentials: Credentials | None
    requires_leader: bool | None


def chosen(options: Options) -> CallOptions:
    """The options as the transport takes them; raises `InvalidArgument`, and TypeError for any other name."""
    return call_options(**options)
