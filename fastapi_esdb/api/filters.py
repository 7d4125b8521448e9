"""Which events of `$all` to let through; the server sorts them out.

    esdb.subscribe_all(filter=filters.by_stream("order-", "invoice-"))
    esdb.read_all(filter=filters.by_category("order"))

`by_category`, `by_event_type` and `by_index` read an index of the server, where it has one, and so nothing else than
the events that are wanted. Positions and checkpoints are those of `$all` with all of them.

`window` is how many records a server searches at most before it finishes a page (`None`: its own 32);
`checkpoint_interval` is how many windows lie between two checkpoints of a subscription. A regex is a .NET regular
expression that may match anywhere in the name unless it is anchored. All of them raise `InvalidArgument`.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from fastapi_esdb.api import arguments
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import INDEX_NAME, INDEX_PREFIX, EventFilter, IndexFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_SYSTEM_EVENT = r"^[^\$].*"

MOST_PLAIN_DIGITS = 1e15
"""From here on servers write a number with an exponent."""


def by_type(*prefixes: str, regex: str = "", window: int | None = 32, checkpoint_interval: int = 1) -> EventFilter:
    """Events whose type begins with one of `prefixes`, or matches `regex`."""
    return _checked(prefixes, EventFilter(False, prefixes, regex, window, checkpoint_interval))


def by_stream(*prefixes: str, regex: str = "", window: int | None = 32, checkpoint_interval: int = 1) -> EventFilter:
    """Events of the streams whose name begins with one of `prefixes`, or matches `regex`."""
    return _checked(prefixes, EventFilter(True, prefixes, regex, window, checkpoint_interval))


def exclude_system(*, window: int | None = 32, checkpoint_interval: int = 1) -> EventFilter:
    """Events whose type does not begin with `$`: everything but links, metadata and the server's own records."""
    return by_type(regex=NO_SYSTEM_EVENT, window=window, checkpoint_interval=checkpoint_interval)


def by_category(category: str, *, window: int | None = 32, checkpoint_interval: int = 1) -> IndexFilter:
    """Events of the streams of a category, that is of those whose name begins with `category` and a `-`, or is it.

    Servers from 25.1 on read the index `$idx-ce-<category>`. It holds no event whose type begins with `$`.
    Others search `$all` for these streams, system events in them included.
    """
    if "-" in _users(category, "category"):
        raise InvalidArgument(f"category {category!r} must not contain a '-': a category ends before the first one")
    streams = by_stream(regex=f"^{re.escape(category)}(-|$)", window=window, checkpoint_interval=checkpoint_interval)
    return _index(f"ce-{category}", window, checkpoint_interval, streams)


def by_event_type(event_type: str, *, window: int | None = 32, checkpoint_interval: int = 1) -> IndexFilter:
    """Events of exactly this type.

    Servers from 25.1 on read the index `$idx-et-<type>`, which leaves out the streams whose name begins with `$`.
    Others search `$all` for this type.
    """
    _users(event_type, "event_type")
    types = by_type(regex=f"^{re.escape(event_type)}$", window=window, checkpoint_interval=checkpoint_interval)
    return _index(f"et-{event_type}", window, checkpoint_interval, types)


def by_index(name: str, /, **value: str | float) -> IndexFilter:
    """Events of an index that a user has defined (see `Indexes`): all of them, or those with a `value` of its field.

    The value is named as the field is: `by_index("orders-by-country", country="Mauritius")`. Servers before 26.0 have
    no such index, and raise `NotSupported`.
    """
    if not INDEX_NAME.fullmatch(arguments.text(name, "name")):
        raise InvalidArgument(f"name {name!r} must consist of lower-case letters, digits, '_' and '-', as indexes do")
    if len(value) > 1:
        raise InvalidArgument(f"an index has one field, and values of {len(value)} were given: {', '.join(value)}")
    values = [_value_text(given, field) for field, given in value.items()]
    return _index("user-" + ":".join([name, *values]), 32, 1)


def _checked(prefixes: Sequence[str], chosen: EventFilter) -> EventFilter:
    for prefix in prefixes:
        arguments.text(prefix, "prefix")
    arguments.event_filter(chosen)
    return chosen


def _index(name: str, window: int | None, checkpoint_interval: int, instead: EventFilter | None = None) -> IndexFilter:
    return IndexFilter(True, (INDEX_PREFIX + name,), "", window, checkpoint_interval, instead)


def _users(name: str, argument: str) -> str:
    if arguments.text(name, argument).startswith("$"):
        raise InvalidArgument(f"{argument} {name!r} must not begin with '$': the indexes have no system events")
    return name


def _value_text(value: object, field: str) -> str:
    """Return a value of an index as servers write it, since they compare it as text where it is followed live."""
    match value:
        case str():
            return arguments.text_or_empty(value, field)
        case bool():
            pass
        case int():
            return str(arguments.whole_number(value, field, least=-(2**63), most=2**63 - 1))
        case float() if math.isfinite(value):
            return _number_text(value)
    raise InvalidArgument(f"{field} must be a text or a finite number, not of type {type(value).__name__}")


def _number_text(number: float) -> str:
    if abs(number) >= MOST_PLAIN_DIGITS:
        return f"{Decimal(repr(number)).normalize():E}"
    return str(int(number)) if number.is_integer() else repr(number).upper()
