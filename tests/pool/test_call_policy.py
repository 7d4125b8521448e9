"""The headers of calls, and the kind of node that they go to."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.pool.call_policy import Headers, Placement
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.operations import RESIGN_NODE, START_SCAVENGE
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.headers import KnownHeaders, basic, parse_headers
from fastapi_esdb.wire.projections.methods import PROJECTION_STATISTICS
from fastapi_esdb.wire.streams.methods import APPEND, DELETE, READ
from tests.support import scripted

PLAIN = "esdb://localhost"
LEADER, FOLLOWER, RANDOM = NodePreference.LEADER, NodePreference.FOLLOWER, NodePreference.RANDOM
USUAL = CallOptions()


def headers(string: str, write: bool = False, options: CallOptions | None = None) -> KnownHeaders:
    made = Headers(ConnectionString.parse(string), "default").of(
        scripted.WRITE if write else scripted.READ, options or CallOptions()
    )
    return parse_headers(made.pairs)


def test_the_user_of_the_settings_calls() -> None:
    """With HTTP Basic; without a user there is no such header."""
    assert headers("esdb://ada:secret@localhost").authorization == basic("ada", "secret")
    assert headers(PLAIN).authorization is None


def test_a_call_can_have_a_user_of_its_own() -> None:
    """It stands in for the user of the settings."""
    options = CallOptions(credentials=Credentials("eve", SecretStr("other")))
    assert headers("esdb://ada:secret@localhost", options=options).authorization == basic("eve", "other")


@pytest.mark.parametrize(
    ("preference", "write", "asked", "expected"),
    [
        ("leader", True, None, True),
        ("leader", False, None, None),
        ("follower", True, None, None),
        ("random", True, None, None),
        ("leader", True, False, False),
        ("leader", False, True, True),
        ("follower", True, True, True),
    ],
)
def test_who_may_answer(preference: str, write: bool, asked: bool | None, expected: bool | None) -> None:
    """One node takes writes as the leader if that is preferred, and passes them on else; whoever asks is heeded."""
    string = f"{PLAIN}?nodePreference={preference}"
    assert headers(string, write, CallOptions(requires_leader=asked)).requires_leader is expected


@pytest.mark.parametrize(
    ("write", "asked", "expected"),
    [(True, None, True), (True, False, False), (False, None, None), (False, True, True)],
)
@pytest.mark.parametrize("preference", ["leader", "follower", "readonlyreplica", "random"])
def test_who_may_answer_in_a_cluster(preference: str, write: bool, asked: bool | None, expected: bool | None) -> None:
    """Writes are for the leader, whatever is preferred for reads."""
    string = f"esdb://a,b?nodePreference={preference}"
    assert headers(string, write, CallOptions(requires_leader=asked)).requires_leader is expected


def test_the_connection_has_a_name() -> None:
    """That of the settings, or one made of the pool's."""
    assert headers(f"{PLAIN}?connectionName=shop").connection_name == "shop"
    assert headers(PLAIN).connection_name == "default"


def test_what_goes_where() -> None:
    """Streams are read where they are preferred to be; what only the leader has is asked of it."""
    placed = Placement(usual=LEADER, reads=FOLLOWER)
    assert placed.preferred(READ, USUAL) is FOLLOWER
    assert placed.preferred(READ, CallOptions(read_preference=RANDOM)) is RANDOM
    assert placed.preferred(READ, CallOptions(requires_leader=True)) is LEADER
    assert placed.preferred(APPEND, USUAL) is LEADER
    aside = Placement(usual=FOLLOWER, reads=FOLLOWER)
    assert aside.preferred(APPEND, CallOptions(requires_leader=False)) is FOLLOWER, "followers pass writes on"
    assert [aside.preferred(method, USUAL) for method in (APPEND, DELETE, RESIGN_NODE)] == [LEADER] * 3
    assert aside.preferred(START_SCAVENGE, USUAL) is FOLLOWER, "it is about the node that gets it"
    assert aside.preferred(READ_GROUP, USUAL) is LEADER
    assert aside.preferred(PROJECTION_STATISTICS, USUAL) is LEADER


def test_what_the_settings_say() -> None:
    """Reads go where everything goes, unless they have a preference of their own."""
    string = "esdb://a,b?nodePreference=random"
    assert Placement.of(EsdbSettings(connection_string=string)) == Placement(RANDOM, RANDOM)
    apart = EsdbSettings(connection_string=string, read_preference="Follower")
    assert Placement.of(apart) == Placement(RANDOM, FOLLOWER)
