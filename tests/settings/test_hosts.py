from __future__ import annotations

import pytest

from fastapi_esdb.errors import InvalidConnectionString
from fastapi_esdb.settings.hosts import Host, parse_hosts

VALID = [
    ("localhost", Host("localhost", 2113), "localhost:2113"),
    ("localhost:1", Host("localhost", 1), "localhost:1"),
    ("db:65535", Host("db", 65535), "db:65535"),
    ("db:02113", Host("db", 2113), "db:2113"),
    ("10.0.0.7", Host("10.0.0.7", 2113), "10.0.0.7:2113"),
    ("kurrent_db:2115", Host("kurrent_db", 2115), "kurrent_db:2115"),
    ("Node-1.Example.COM.", Host("Node-1.Example.COM.", 2113), "Node-1.Example.COM.:2113"),
    ("xn--bcher-kva.example", Host("xn--bcher-kva.example", 2113), "xn--bcher-kva.example:2113"),
    ("[::1]", Host("::1", 2113), "[::1]:2113"),
    ("[2001:db8::7]:2114", Host("2001:db8::7", 2114), "[2001:db8::7]:2114"),
    ("[::ffff:10.0.0.7]", Host("::ffff:10.0.0.7", 2113), "[::ffff:10.0.0.7]:2113"),
]

INVALID = [
    ("", "localhost:2113"),
    (":2113", "DNS name"),
    ("a b", "DNS name"),
    ("a/b", "DNS name"),
    ("bücher.example", "ASCII"),
    ("-a", "DNS name"),
    ("a-.b", "DNS name"),
    ("a..b", "DNS name"),
    (".a", "DNS name"),
    ("a" * 64, "DNS name"),
    (".".join(["a" * 60] * 5), "DNS name"),
    ("256.1.1.1", "IPv4"),
    ("1.2.3", "IPv4"),
    ("host:", "1 to 65535"),
    ("host:x", "1 to 65535"),
    ("host:0", "1 to 65535"),
    ("host:65536", "1 to 65535"),
    ("host:99999999", "1 to 65535"),
    ("host:-1", "1 to 65535"),
    ("host:+1", "1 to 65535"),
    ("host: 1", "1 to 65535"),
    ("host:٣", "1 to 65535"),
    ("host:1:2", "brackets"),
    ("::1", "brackets"),
    ("2001:db8::7", "brackets"),
    ("[::1", "brackets"),
    ("::1]", "brackets"),
    ("[::1]2113", "brackets"),
    ("[[::1]]", "brackets"),
    ("[]", "IPv6"),
    ("[localhost]", "IPv6"),
    ("[10.0.0.7]", "IPv6"),
    ("[fe80::1%eth0]", "IPv6"),
    ("[::1]:", "1 to 65535"),
    ("[::1]:70000", "1 to 65535"),
]


@pytest.mark.parametrize(("text", "host", "address"), VALID)
def test_valid(text: str, host: Host, address: str) -> None:
    """Names, IPv4 and bracketed IPv6 addresses are hosts, at port 2113 if none is given."""
    assert parse_hosts(text) == (host,)
    assert host.address == address
    assert parse_hosts(address) == (host,)


@pytest.mark.parametrize(("text", "right"), INVALID)
def test_invalid(text: str, right: str) -> None:
    """Anything else is an error that names the host by number and says what would be right."""
    with pytest.raises(InvalidConnectionString, match=r"host 2: ") as caught:
        parse_hosts(f"first,{text}")
    assert right in str(caught.value)
    assert caught.value.__context__ is None


def test_several() -> None:
    """Commas stand between hosts, whose order is kept."""
    assert parse_hosts("a,b:1,[::1]:2") == (Host("a"), Host("b", 1), Host("::1", 2))
