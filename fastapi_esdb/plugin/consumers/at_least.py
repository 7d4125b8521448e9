"""A dependency that has an endpoint wait until a read model has what its caller has written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Header, HTTPException

from fastapi_esdb.consumers.checkpoints import ConsumerBehind
from fastapi_esdb.consumers.sources import GroupSource
from fastapi_esdb.plugin.consumers.consumers import Consumers
from fastapi_esdb.plugin.started import RETRY_AFTER
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.positions import Position

POSITION_HEADER = "ESDB-Position"
"""The header that carries a position, in requests and by convention in the answers of what has written."""


def at_least_dependency(consumers: Consumers, name: str, header: str, timeout: float) -> Callable[..., Awaitable[Any]]:
    """Return the dependency. Raises `InvalidArgument` for a name that no consumer has."""
    if name not in consumers:
        known = ", ".join(consumers) or "none is defined above"
        raise InvalidArgument(f"there is no consumer {name!r} (there are: {known})")

    if isinstance(consumers[name].definition.source, GroupSource):
        raise InvalidArgument(f"consumer {name!r} has no position to wait for: the events of a group come in any order")

    async def at_least(position: str | None) -> Position | None:
        if position is None:
            return None
        try:
            wanted = Position.parse(position)
            await consumers[name].reached(wanted, timeout)
        except InvalidArgument as error:
            raise HTTPException(400, f"the header {header} must be a position, such as C:1788/P:1788") from error
        except ConsumerBehind as error:
            raise HTTPException(503, "not up to date yet", {"Retry-After": RETRY_AFTER}) from error
        return wanted

    annotation = Annotated[str | None, Header(alias=header)]
    sent = Parameter("position", Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
    at_least.__signature__ = Signature([sent])  # type: ignore[attr-defined]  # FastAPI reads it as inspect does
    return at_least
