"""What is worth a warning."""

from __future__ import annotations

import pytest

from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.warnings import warnings_about

CAREFUL = [
    "esdb://ada:secret@example.org",
    "esdb://example.org?tls=false",
    "esdb://ada:secret@localhost,127.0.0.1?tls=false",
    "esdb://localhost?tls=false&tlsVerifyCert=false",
    "esdb://localhost?keepAliveInterval=10000",
    "esdb://localhost?keepAliveInterval=-1",
]

CARELESS = [
    ("esdb://example.org?tlsVerifyCert=false", "tlsVerifyCert"),
    ("esdb://ada:secret@example.org?tls=false", "plain text"),
    ("esdb://ada:secret@localhost,example.org?tls=false", "plain text"),
    ("esdb://localhost?keepAliveInterval=9999", "keepAliveInterval"),
]


@pytest.mark.parametrize("string", CAREFUL)
def test_nothing_to_say(string: str) -> None:
    """Defaults, and what can do no harm."""
    assert not list(warnings_about(ConnectionString.parse(string)))


@pytest.mark.parametrize(("string", "says"), CARELESS)
def test_something_to_say(string: str, says: str) -> None:
    """One sentence, which shows no secret."""
    (warning,) = warnings_about(ConnectionString.parse(string))
    assert says in warning
    assert "secret" not in warning
