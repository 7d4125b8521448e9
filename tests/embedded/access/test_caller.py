"""Who calls."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.access import ADMINISTRATOR, ANONYMOUS, Caller, Rank
from fastapi_esdb.embedded.access.caller import rank_needed
from fastapi_esdb.wire.admin import operations, users
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.admin.monitoring import STATS
from fastapi_esdb.wire.groups import methods as groups
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.projections import methods as projections
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS


@pytest.mark.parametrize(
    ("caller", "rank"),
    [
        (ANONYMOUS, Rank.ANYBODY),
        (ADMINISTRATOR, Rank.ADMIN),
        (Caller("jane"), Rank.USER),
        (Caller("jane", frozenset({"dev"})), Rank.USER),
        (Caller("jane", frozenset({"$ops"})), Rank.OPERATOR),
        (Caller("jane", frozenset({"$ops", "$admins"})), Rank.ADMIN),
        (Caller("ops"), Rank.OPERATOR),
        (Caller("admin"), Rank.ADMIN),
        (Caller("$admins"), Rank.USER),
    ],
)
def test_ranks(caller: Caller, rank: Rank) -> None:
    """By group, and by the names of the built-in accounts."""
    assert caller.rank is rank


@pytest.mark.parametrize(
    ("method", "rank"),
    [
        (READ, Rank.ANYBODY),
        (APPEND, Rank.ANYBODY),
        (APPEND_RECORDS, Rank.ANYBODY),
        (GOSSIP, Rank.ANYBODY),
        (SUPPORTED_METHODS, Rank.ANYBODY),
        (STATS, Rank.ANYBODY),
        (groups.CREATE_GROUP, Rank.OPERATOR),
        (groups.UPDATE_GROUP, Rank.OPERATOR),
        (groups.DELETE_GROUP, Rank.OPERATOR),
        (groups.REPLAY_PARKED, Rank.OPERATOR),
        (groups.TRUNCATE_PARKED, Rank.OPERATOR),
        (groups.RESTART_GROUPS, Rank.OPERATOR),
        (groups.READ_GROUP, Rank.USER),
        (groups.GROUP_INFO, Rank.USER),
        (groups.LIST_GROUPS, Rank.USER),
        (projections.CREATE_PROJECTION, Rank.USER),
        (projections.PROJECTION_STATISTICS, Rank.USER),
        (projections.DELETE_PROJECTION, Rank.OPERATOR),
        (projections.RESTART_PROJECTIONS, Rank.OPERATOR),
        (users.CREATE_USER, Rank.ADMIN),
        (users.RESET_PASSWORD, Rank.ADMIN),
        (users.CHANGE_PASSWORD, Rank.USER),
        (users.USER_DETAILS, Rank.USER),
        (operations.SHUTDOWN, Rank.OPERATOR),
        (operations.START_SCAVENGE, Rank.OPERATOR),
        (operations.RESTART_PERSISTENT_SUBSCRIPTIONS, Rank.OPERATOR),
    ],
)
def test_what_methods_ask_for(method: Method[object, object], rank: Rank) -> None:
    """As the protocol's column of credentials has it; streams are matters of their own."""
    assert rank_needed(method) is rank
