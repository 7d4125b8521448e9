from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_esdb.wire.headers import BasicCredentials, KnownHeaders, basic, parse_basic, parse_headers
from tests.wire.values import TEXTS


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_the_headers_are_those_of_the_protocol() -> None:
    """Credentials, the wish for a leader and the name of the connection go out under the names servers read."""
    headers = KnownHeaders(basic("admin", "changeit"), True, "shop")
    assert headers.pairs() == (
        ("authorization", "Basic YWRtaW46Y2hhbmdlaXQ="),
        ("requires-leader", "true"),
        ("connection-name", "shop"),
    )


def test_what_is_not_given_is_left_out() -> None:
    """A call without any of it has no headers; a follower that may answer is a header of its own."""
    assert KnownHeaders().pairs() == ()
    assert KnownHeaders(requires_leader=False).pairs() == (("requires-leader", "false"),)


@pytest.mark.parametrize("leader", [True, False, None])
def test_the_server_reads_what_the_client_wrote(leader: bool | None) -> None:
    """Both sides mean the same headers; others are passed over."""
    headers = KnownHeaders(basic("a", "b"), leader, "shop")
    assert parse_headers([("user-agent", "x"), ("trace-bin", b"\0"), *headers.pairs()]) == headers


def test_a_header_holds_printable_ascii_only() -> None:
    """A connection's name with other characters goes out percent-encoded instead of failing in gRPC."""
    assert KnownHeaders(connection_name="Käse\n1").pairs() == (("connection-name", "K%C3%A4se%0A1"),)


@settings(deadline=None)
@given(TEXTS.filter(lambda user: ":" not in user), TEXTS)
def test_any_user_and_password_arrive(user: str, password: str) -> None:
    """A user's name has no colon; passwords may hold anything."""
    assert parse_basic(basic(user, password)) == BasicCredentials(user, password)


@settings(deadline=None)
@given(st.text())
def test_no_header_makes_the_server_fail(header: str) -> None:
    """Whatever stands in the header, the caller is somebody or nobody."""
    assert isinstance(parse_basic(header), BasicCredentials | None)


ANONYMOUS = {
    "no header": None,
    "nothing": "",
    "another scheme": "Bearer YTpi",
    "no credentials": "Basic",
    "no base64": "Basic a:b",
    "no text": f"Basic {encoded(bytes([255, 58]))}",
    "no colon": f"Basic {encoded(b'ab')}",
}


@pytest.mark.parametrize("header", ANONYMOUS.values(), ids=ANONYMOUS)
def test_a_malformed_header_is_an_anonymous_caller(header: str | None) -> None:
    """Servers do not refuse such a caller, they just do not know him."""
    assert parse_basic(header) is None


def test_the_scheme_is_read_in_any_case() -> None:
    """HTTP has schemes in any case."""
    assert parse_basic(f"BASIC {encoded(b'a:b:c')}") == BasicCredentials("a", "b:c")


def test_no_password_is_shown() -> None:
    """Neither the header nor what was read from it is in a repr."""
    assert "secret" not in repr(BasicCredentials("a", "secret"))
    assert encoded(b"a:secret") not in repr(KnownHeaders(basic("a", "secret")))
