"""The headers of calls."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.pool.call_policy import Headers
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.wire.headers import KnownHeaders, basic, parse_headers
from tests.support.scripted import READ, WRITE

PLAIN = "esdb://localhost"


def headers(string: str, write: bool = False, options: CallOptions | None = None) -> KnownHeaders:
    made = Headers(ConnectionString.parse(string), "default").of(WRITE if write else READ, options or CallOptions())
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
