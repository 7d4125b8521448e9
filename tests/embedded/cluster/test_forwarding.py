"""Who carries out which call."""

from __future__ import annotations

from typing import Any

import pytest

from fastapi_esdb.embedded.cluster.forwarding import Route, route_of
from fastapi_esdb.wire.admin.cluster import GOSSIP
from fastapi_esdb.wire.groups.methods import GROUP_INFO, READ_GROUP
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.streams.methods import APPEND, READ


@pytest.mark.parametrize("method", all_methods(), ids=lambda method: str(method.path))
def test_every_method_has_its_route(method: Method[Any, Any]) -> None:
    """No follower carries out what changes the data, but for operations on the node itself."""
    route = route_of(method)
    assert not (method.writes and route is Route.REPLICA)


@pytest.mark.parametrize(
    ("method", "route"),
    [
        (GOSSIP, Route.ANY_NODE),
        (READ, Route.REPLICA),
        (APPEND, Route.FORWARDED),
        (READ_GROUP, Route.LEADER),
        (GROUP_INFO, Route.READY_LEADER),
    ],
)
def test_routes(method: Method[Any, Any], route: Route) -> None:
    """One of each kind."""
    assert route_of(method) is route
