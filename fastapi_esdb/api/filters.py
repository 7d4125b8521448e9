"""Which events of `$all` to let through; the server sorts them out.

    esdb.subscribe_all(filter=filters.by_stream("order-", "invoice-"))

`window` is how many records a server searches at most before it finishes a page (`None`: its own 32);
`checkpoint_interval` is how many windows lie between two checkpoints of a subscription. A regex is a .NET regular
expression that may match anywhere in the name unless it is anchored. All of them raise `InvalidArgument`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.api import arguments
from fastapi_esdb.wire.events.values import EventFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_SYSTEM_EVENT = r"^[^\$].*"


def by_type(*prefixes: str, regex: str = "", window: int | None = 32, checkpoint_interval: int = 1) -> EventFilter:
    """Events whose type begins with one of `prefixes`, or matches `regex`."""
    return _checked(prefixes, EventFilter(False, prefixes, regex, window, checkpoint_interval))


def by_stream(*prefixes: str, regex: str = "", window: int | None = 32, checkpoint_interval: int = 1) -> EventFilter:
    """Events of the streams whose name begins with one of `prefixes`, or matches `regex`."""
    return _checked(prefixes, EventFilter(True, prefixes, regex, window, checkpoint_interval))


def exclude_system(*, window: int | None = 32, checkpoint_interval: int = 1) -> EventFilter:
    """Events whose type does not begin with `$`: everything but links, metadata and the server's own records."""
    return by_type(regex=NO_SYSTEM_EVENT, window=window, checkpoint_interval=checkpoint_interval)


def _checked(prefixes: Sequence[str], chosen: EventFilter) -> EventFilter:
    for prefix in prefixes:
        arguments.text(prefix, "prefix")
    arguments.event_filter(chosen)
    return chosen
