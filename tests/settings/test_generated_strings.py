"""Thousands of generated connection strings, and the round trip of generated values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from fastapi_esdb.errors import InvalidConnectionString
from fastapi_esdb.settings.choices import NodePreference, TransportKind
from fastapi_esdb.settings.connection_string import SCHEMES, ConnectionString
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import OPTIONS, ConnectionOptions
from fastapi_esdb.settings.text import has_control

THOROUGH = settings(
    max_examples=1_000, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
QUICK = settings(THOROUGH, max_examples=250)

NASTY = [
    *["", *"@:/?#&=,%[]+-_. \n\0", "://", "%2F", "%00", "%ff", "%zz", "[::1]", "::1", "65536", "-1", "٣"],
    *["true", "é", "🔑", "\ud800", "canary", "a", "localhost", "10.0.0.1", "esdb", "+discover", "x" * 300],
]
PIECES = st.sampled_from(NASTY)


def mostly(*right: str) -> st.SearchStrategy[str]:
    """One of the texts that are right, or now and then something else."""
    return st.sampled_from([*right * (200 // len(right)), *NASTY])


SCHEME = mostly(*SCHEMES)
USER_INFO = mostly("", "admin:canary@", "j%C3%BCrgen:p%40ss@")
HOST = mostly("localhost", "a.b:1", "[::1]", "10.0.0.1:65535", "x_y")
PATH = mostly("", "/", "/file.db")
OPTION = st.builds("{}={}".format, mostly(*(option.name for option in OPTIONS)), PIECES) | mostly(
    "tls=FALSE", "GOSSIP_TIMEOUT=5", "keepAliveInterval=-1", "nodePreference=Random", "tlsCaFile=/ca.pem"
)


def join(scheme: str, user_info: str, hosts: list[str], path: str, options: list[str]) -> str:
    """The parts in their places."""
    return f"{scheme}://{user_info}{','.join(hosts)}{path}{'?' if options else ''}{'&'.join(options)}"


GRAMMATICAL = st.builds(
    join, SCHEME, USER_INFO, st.lists(HOST, min_size=1, max_size=2), PATH, st.lists(OPTION, max_size=2)
)
"""All the parts in their places, each of them right or wrong."""

MODELS = [
    "esdb://admin:canary@localhost:2113/?tls=false&keepAliveInterval=10000",
    "kurrentdb+discover://admin:p%40ss@cluster.example:2113?nodePreference=follower",
    "kdb://a,b:1,[::1]:2?userCertFile=/u.crt&userKeyFile=/u.key&gossipTimeout=5",
    "esdb+embedded:///path/to/file.db?defaultDeadline=500",
]


def edit(text: str, edits: list[tuple[int, int, str]]) -> str:
    """The text with pieces put in place of some of its characters; each edit says where (percent), how many, what."""
    for where, count, piece in edits:
        start = where * len(text) // 100
        text = text[:start] + piece + text[start + count :]
    return text


EDITS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 6), PIECES), min_size=1, max_size=3)
MUTATED = st.builds(edit, st.sampled_from(MODELS), EDITS)
"""A valid string with a few pieces put in and taken out."""


def ten(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Ten at once, since that takes a tenth of the book-keeping."""
    return st.lists(texts, min_size=10, max_size=10)


def outcome(text: str) -> ConnectionString | InvalidConnectionString:
    """What becomes of the text; any other exception goes through."""
    try:
        return ConnectionString.parse(text)
    except InvalidConnectionString as error:
        return error


def check(text: str) -> None:
    """The text is a value, which its own text gives again, or an `InvalidConnectionString` that shows no secret."""
    found = outcome(text)
    if isinstance(found, ConnectionString):
        assert ConnectionString.parse(found.render(redact=False)) == found
        assert ConnectionString.parse(found.render()).hosts == found.hosts
    else:
        assert "canary" not in str(found)
        assert found.__context__ is None


@QUICK
@given(ten(GRAMMATICAL))
def test_grammatical_strings(texts: list[str]) -> None:
    """Any string of the right shape is a value or an `InvalidConnectionString`, nothing else."""
    for text in texts:
        check(text)


@QUICK
@given(ten(MUTATED))
def test_mutated_strings(texts: list[str]) -> None:
    """So is any string near a valid one."""
    for text in texts:
        check(text)


@pytest.mark.slow
@THOROUGH
@given(ten(GRAMMATICAL | MUTATED))
def test_very_many_strings(texts: list[str]) -> None:
    """The same, for longer."""
    for text in texts:
        check(text)


CLEAN = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
COUNTS = st.integers(1, 2**31 - 1)
PATHS = st.none() | CLEAN.map(Path)
NETWORK_HOSTS = st.builds(Host, st.sampled_from(["localhost", "10.0.0.1", "::1", "a-b.c_d."]), st.integers(1, 65535))
CREDENTIALS = st.builds(Credentials, CLEAN.filter(lambda name: ":" not in name), CLEAN.map(SecretStr))


@st.composite
def connection_options(draw: st.DrawFn) -> ConnectionOptions:
    """Any options that are allowed together."""
    certificate = draw(PATHS)
    return ConnectionOptions(
        tls=draw(st.booleans()),
        tls_verify_cert=draw(st.booleans()),
        tls_ca_file=draw(PATHS),
        user_cert_file=certificate,
        user_key_file=certificate and draw(CLEAN.map(Path)),
        connection_name=draw(st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)),
        node_preference=draw(st.sampled_from(NodePreference)),
        dns_discover=draw(st.booleans()),
        max_discover_attempts=draw(COUNTS),
        discovery_interval=draw(COUNTS),
        gossip_timeout=draw(st.integers(1, 600)),
        default_deadline=draw(COUNTS),
        keep_alive_interval=draw(COUNTS | st.just(-1)),
        keep_alive_timeout=draw(COUNTS | st.just(-1)),
        throw_on_append_failure=draw(st.booleans()),
        use_proxy=draw(st.booleans()),
        transport=draw(st.sampled_from(TransportKind)),
    )


@st.composite
def connection_strings(draw: st.DrawFn) -> ConnectionString:
    """Any valid value."""
    scheme = draw(st.sampled_from(SCHEMES))
    embedded = scheme.endswith("embedded")
    file = draw(st.none() | CLEAN.map(lambda name: Path("/data") / name.replace("/", "_"))) if embedded else None
    hosts = () if embedded else tuple(draw(st.lists(NETWORK_HOSTS, min_size=1, max_size=4)))
    return ConnectionString(scheme, hosts, draw(st.none() | CREDENTIALS), draw(connection_options()), file)


@QUICK
@given(connection_strings())
def test_round_trip(value: ConnectionString) -> None:
    """Every value can be written down and read back."""
    text = value.render(redact=False)
    assert text.isascii()
    assert not has_control(text)
    assert ConnectionString.parse(text) == value
