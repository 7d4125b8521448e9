from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fastapi_esdb.errors import EsdbError, InvalidConnectionString, InvalidSettings
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.connection_string import SCHEMES, ConnectionString
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions

LOCAL = (Host("localhost"),)
THREE = (Host("host1", 1234), Host("host2", 4321), Host("host3", 3231))


def made(scheme: str, hosts: tuple[Host, ...] = LOCAL, user: str = "", **options: Any) -> ConnectionString:
    """The value that a string stands for; `user` is `name:password`."""
    name, _, password = user.partition(":")
    credentials = Credentials(name, SecretStr(password)) if user else None
    return ConnectionString(scheme, hosts, credentials, ConnectionOptions(**options))


VALID = [
    *[(f"{scheme}://localhost", made(scheme)) for scheme in ("esdb", "kurrentdb", "kdb")],
    *[(f"{scheme}+discover://localhost", made(f"{scheme}+discover")) for scheme in ("esdb", "kurrentdb", "kdb")],
    ("kurrentdb+discover://host1:1234,host2:4321,host3:3231", made("kurrentdb+discover", THREE)),
    ("ESDB://localhost", made("esdb")),
    ("KurrentDB+Discover://localhost", made("kurrentdb+discover")),
    ("esdb://localhost/", made("esdb")),
    ("esdb://localhost?", made("esdb")),
    ("esdb://localhost/?", made("esdb")),
    ("esdb://localhost/?tls=false", made("esdb", tls=False)),
    ("esdb://localhost:2114", made("esdb", (Host("localhost", 2114),))),
    ("esdb://user:pass@localhost:2114", made("esdb", (Host("localhost", 2114),), "user:pass")),
    ("esdb://user:pass@localhost:2114/", made("esdb", (Host("localhost", 2114),), "user:pass")),
    ("esdb://user:pass@localhost?tls=false", made("esdb", user="user:pass", tls=False)),
    ("esdb://user:pass@localhost?tlsVerifyCert=false", made("esdb", user="user:pass", tls_verify_cert=False)),
    ("esdb://foo:bar@kurrent_db:2115", made("esdb", (Host("kurrent_db", 2115),), "foo:bar")),
    ("kdb://admin:p%40ss%3Aw%2Frd%3F%23%25@localhost", made("kdb", user="admin:p@ss:w/rd?#%")),
    ("kdb://admin:pa:ss@localhost", made("kdb", user="admin:pa:ss")),
    ("kdb://admin:a+b@localhost", made("kdb", user="admin:a+b")),
    ("kdb://admin:a%20b@localhost", made("kdb", user="admin:a b")),
    ("kdb://j%C3%BCrgen:sch%C3%B6n@localhost", made("kdb", user="jürgen:schön")),
    ("kdb://jürgen:schön@localhost", made("kdb", user="jürgen:schön")),
    ("kdb://a%40b.example:x@localhost", made("kdb", user="a@b.example:x")),
    ("esdb://host1,host2", made("esdb", (Host("host1"), Host("host2")))),
    ("esdb://host1:1234,host2:4321,host3:3231", made("esdb", THREE)),
    (
        "esdb://user:pass@host1:1234,host2:4321,host3:3231?nodePreference=follower",
        made("esdb", THREE, "user:pass", node_preference=NodePreference.FOLLOWER),
    ),
    ("esdb://[::1]", made("esdb", (Host("::1"),))),
    ("esdb://u:p@[::1]:2114,[2001:db8::1]/", made("esdb", (Host("::1", 2114), Host("2001:db8::1")), "u:p")),
    (
        "esdb+discover://user:pass@host?nodePreference=Random&tlsVerifyCert=false",
        made(
            "esdb+discover", (Host("host"),), "user:pass", node_preference=NodePreference.RANDOM, tls_verify_cert=False
        ),
    ),
    (
        "esdb://localhost?MAXDISCOVERATTEMPTS=200&discoveryinterval=1000&GossipTimeout=1&Tls=False&throwonappendfailure=true",
        made("esdb", max_discover_attempts=200, discovery_interval=1000, gossip_timeout=1, tls=False),
    ),
    (
        "esdb://localhost?keepAliveInterval=20000&keepAliveTimeout=30000",
        made("esdb", keep_alive_interval=20_000, keep_alive_timeout=30_000),
    ),
    (
        "esdb://localhost?keepAliveInterval=-1&keepAliveTimeout=-1",
        made("esdb", keep_alive_interval=-1, keep_alive_timeout=-1),
    ),
    ("esdb://localhost?defaultDeadline=1", made("esdb", default_deadline=1)),
    ("esdb://localhost?defaultDeadline=100000", made("esdb", default_deadline=100_000)),
    ("esdb://localhost?connectionName=foobar", made("esdb", connection_name="foobar")),
    ("esdb://localhost?connectionName=me@host%20(a=b)", made("esdb", connection_name="me@host (a=b)")),
    ("esdb://localhost?tlsCaFile=/etc/ca.pem", made("esdb", tls_ca_file=Path("/etc/ca.pem"))),
    ("esdb://localhost?tls_ca_file=my%20certs/c++.pem", made("esdb", tls_ca_file=Path("my certs/c++.pem"))),
    (
        "esdb://localhost?userCertFile=u.crt&userKeyFile=u.key",
        made("esdb", user_cert_file=Path("u.crt"), user_key_file=Path("u.key")),
    ),
    ("esdb://localhost?dnsDiscover=true", made("esdb", dns_discover=True)),
    ("esdb+embedded://", made("esdb+embedded", ())),
    ("kurrentdb+embedded://", made("kurrentdb+embedded", ())),
    ("esdb+embedded:///", made("esdb+embedded", ())),
    ("esdb+embedded://?nodePreference=leader", made("esdb+embedded", ())),
    ("esdb+embedded:///?defaultDeadline=500", made("esdb+embedded", (), default_deadline=500)),
    ("esdb+embedded:///path/to/file.db", ConnectionString("esdb+embedded", file=Path("/path/to/file.db"))),
    ("esdb+embedded:////srv/file.db", ConnectionString("esdb+embedded", file=Path("//srv/file.db"))),
    ("kurrentdb+embedded:///a%20b/%3F.db", ConnectionString("kurrentdb+embedded", file=Path("/a b/?.db"))),
    ("esdb+embedded://admin:x@/f.db", dataclasses.replace(made("esdb+embedded", (), "admin:x"), file=Path("/f.db"))),
]

USER_INFO, HOST_1, TEXT = "user info", "host 1", "text"
INVALID = [
    ("", "scheme", "esdb://"),
    ("localhost:2113", "scheme", "esdb://"),
    ("esdb:localhost", "scheme", "esdb://"),
    ("esdb:/canary", "scheme", "esdb://"),
    ("://canary", "scheme", "kurrentdb+discover"),
    ("http://canary", "scheme", "kurrentdb+discover"),
    ("canary://localhost", "scheme", "kurrentdb+discover"),
    ("esdb+canary://localhost", "scheme", "kurrentdb+discover"),
    ("kdb+embedded://", "scheme", "kurrentdb+embedded"),
    ("tcp://admin:canary@localhost:1113", "scheme", "kurrentdb+discover"),
    ("esdb://", HOST_1, "is empty"),
    ("esdb:///", HOST_1, "is empty"),
    ("esdb://?tls=false", HOST_1, "is empty"),
    ("esdb://admin:canary@", HOST_1, "is empty"),
    ("esdb://localhost,", "host 2", "is empty"),
    ("esdb://,localhost", HOST_1, "is empty"),
    ("esdb://a,,b", "host 2", "is empty"),
    ("esdb://a;b", HOST_1, "DNS name"),
    ("esdb://localhost:", HOST_1, "1 to 65535"),
    ("esdb://localhost:canary", HOST_1, "1 to 65535"),
    ("esdb://localhost:99999999", HOST_1, "1 to 65535"),
    ("esdb://a,localhost:0", "host 2", "1 to 65535"),
    ("esdb://::1", HOST_1, "brackets"),
    ("esdb://user:canary@[localhost]", HOST_1, "IPv6"),
    ("esdb://admin@localhost", USER_INFO, "user:password"),
    ("esdb://@localhost", USER_INFO, "user:password"),
    ("esdb://admin:@localhost", USER_INFO, "password must not be empty"),
    ("esdb://:canary@localhost", USER_INFO, "user name must not be empty"),
    ("esdb://:@localhost", USER_INFO, "user name must not be empty"),
    ("esdb://ad%3Amin:canary@localhost", USER_INFO, "':'"),
    ("esdb://admin:can@ary@localhost", USER_INFO, "%40"),
    ("esdb://admin:canary%@localhost", USER_INFO, "%25"),
    ("esdb://admin:canary%4@localhost", USER_INFO, "%25"),
    ("esdb://admin:canary%ff@localhost", USER_INFO, "UTF-8"),
    ("esdb://admin:canary%00@localhost", USER_INFO, "control"),
    ("esdb://admin:can/ary@localhost", HOST_1, "%2F"),
    ("esdb://admin:can?ary@localhost", HOST_1, "%3F"),
    ("esdb://admin:can#ary@localhost", TEXT, "%23"),
    ("esdb://localhost#canary", TEXT, "%23"),
    ("esdb://admin:can ary@localhost", TEXT, "%20"),
    (" esdb://admin:canary@localhost", TEXT, "blanks"),
    ("esdb://admin:canary@localhost\n", TEXT, "blanks"),
    ("esdb://admin:canary\x00@localhost", TEXT, "control"),
    ("esdb://admin:canary\x85@localhost", TEXT, "control"),
    ("esdb://admin:canary\ud800@localhost", TEXT, "control"),
    ("esdb://admin:canary\u2028@localhost", TEXT, "blanks"),
    ("esdb://localhost/canary", "path", "empty or '/'"),
    ("esdb://localhost//", "path", "be empty"),
    ("esdb://localhost/canary/", "path", "be empty"),
    ("esdb://localhost/%zz", "path", "%25"),
    ("esdb://localhost/?canary", "option 1", "nearest"),
    ("esdb://localhost?tls=true&canary=1", "option 2", "nearest"),
    ("esdb://localhost??tls=true", "option 1", "nearest known name is tls"),
    ("esdb://localhost?tls=true&", "option 2", "name=value"),
    ("esdb://localhost?tls=true;tlsVerifyCert=true", "tls", "true or false"),
    ("esdb://localhost?tls=true&Tls=true", "tls", "twice"),
    ("esdb://localhost?tls", "tls", "true or false"),
    ("esdb://localhost?tls=", "tls", "true or false"),
    ("esdb://localhost?tls=canary", "tls", "true or false"),
    ("esdb://localhost?tls=1", "tls", "true or false"),
    ("esdb://localhost?tlsVerifyCert=no", "tlsVerifyCert", "true or false"),
    ("esdb://localhost?throwOnAppendFailure=no", "throwOnAppendFailure", "true or false"),
    ("esdb://localhost?dnsDiscover=no", "dnsDiscover", "true or false"),
    ("esdb://localhost?tlsCaFile=", "tlsCaFile", "path"),
    ("esdb://localhost?tlsCaFile=%00", "tlsCaFile", "control"),
    ("esdb://localhost?userCertFile=canary", "userCertFile", "userKeyFile"),
    ("esdb://localhost?userKeyFile=canary", "userKeyFile", "userCertFile"),
    ("esdb://localhost?connectionName=", "connectionName", "ASCII"),
    ("esdb://localhost?connectionName=%C3%A9", "connectionName", "ASCII"),
    ("esdb://localhost?nodePreference=canary", "nodePreference", "leader or follower"),
    ("esdb://localhost?maxDiscoverAttempts=-1", "maxDiscoverAttempts", "from 1"),
    ("esdb://localhost?maxDiscoverAttempts=0", "maxDiscoverAttempts", "from 1"),
    ("esdb://localhost?discoveryInterval=-5", "discoveryInterval", "milliseconds from 1"),
    ("esdb://localhost?discoveryInterval=1.5", "discoveryInterval", "milliseconds from 1"),
    ("esdb://localhost?gossipTimeout=3000", "gossipTimeout", "seconds from 1 to 600"),
    ("esdb://localhost?gossipTimeout=-3", "gossipTimeout", "seconds from 1 to 600"),
    ("esdb://localhost?defaultDeadline=0", "defaultDeadline", "milliseconds from 1"),
    ("esdb://localhost?defaultDeadline=10s", "defaultDeadline", "milliseconds from 1"),
    ("esdb://localhost?defaultDeadline=2147483648", "defaultDeadline", "2147483647"),
    ("esdb://localhost?keepAliveInterval=kjslkjfds&keepAliveTimeout=30000", "keepAliveInterval", "-1 for off"),
    ("esdb://localhost?keepAliveInterval=20000&keepAliveTimeout=-33", "keepAliveTimeout", "-1 for off"),
    ("esdb://localhost?keepAliveInterval=0", "keepAliveInterval", "-1 for off"),
    ("esdb+embedded://localhost", "host", "esdb+embedded:///path/to/file.db"),
    ("esdb+embedded://canary.db", "host", "esdb+embedded:///path/to/file.db"),
    ("esdb+embedded://localhost:2113/file.db", "host", "esdb+embedded:///path/to/file.db"),
    ("esdb+embedded:///canary/", "path", "file"),
    ("esdb+embedded:///%ff", "path", "UTF-8"),
    ("esdb+embedded:///.", "file", "absolute path"),
    ("esdb+embedded://?canary=1", "option 1", "nearest"),
]


@pytest.mark.parametrize(("text", "value"), VALID)
def test_valid(text: str, value: ConnectionString) -> None:
    """A valid string is read as its value, and the value's full text is read as the same value."""
    assert ConnectionString.parse(text) == value
    assert ConnectionString.parse(value.render(redact=False)) == value


@pytest.mark.parametrize(("text", "part", "right"), INVALID)
def test_invalid(text: str, part: str, right: str) -> None:
    """An invalid string is an error that names the part and what would be right, and holds nothing of the string."""
    with pytest.raises(InvalidConnectionString) as caught:
        ConnectionString.parse(text)
    message = str(caught.value)
    assert message.startswith(f"connection string, {part}: ")
    assert right in message
    assert not any(word in message for word in ("canary", "can@", "@ary", "kjsl"))
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_no_text() -> None:
    """A variable of the environment that is not set is easily passed on."""
    with pytest.raises(InvalidConnectionString, match="must be a str, not NoneType"):
        ConnectionString.parse(None)  # type: ignore[arg-type]  # it is what is tested


def test_error_types() -> None:
    """The error can be caught as ours, as one of settings and as a ValueError."""
    assert issubclass(InvalidConnectionString, InvalidSettings | EsdbError)
    assert issubclass(InvalidConnectionString, ValueError)


def test_every_scheme_is_tested() -> None:
    """The table of valid strings leaves no scheme out."""
    assert {value.scheme for _, value in VALID} == set(SCHEMES)


@pytest.mark.parametrize(
    ("text", "embedded", "discover"),
    [
        ("esdb://a", False, False),
        ("esdb://a,b", False, True),
        ("esdb+discover://a", False, True),
        ("esdb://a?dnsDiscover=true", False, True),
        ("esdb+embedded://", True, False),
    ],
)
def test_questions(text: str, embedded: bool, discover: bool) -> None:
    """The value tells whether the server is embedded and whether the nodes must be discovered."""
    value = ConnectionString.parse(text)
    assert (value.embedded, value.discover) == (embedded, discover)


def test_texts_show_no_password() -> None:
    """Every text of the value is the connection string with stars."""
    value = ConnectionString.parse("esdb://admin:canary@a,[::1]:7?tls=false&userCertFile=u.crt&userKeyFile=canary.key")
    shown = "esdb://admin:***@a:2113,[::1]:7?tls=false&userCertFile=u.crt&userKeyFile=***"
    assert str(value) == f"{value}" == value.render() == shown
    assert repr(value) == f"ConnectionString.parse({shown!r})"


def test_overrides_win() -> None:
    """Overrides replace what the text says, before the options are checked against each other."""
    value = ConnectionString.parse(
        "esdb://a?tls=true&userCertFile=u.crt", {"tls": False, "user_key_file": Path("u.key"), "gossip_timeout": 1}
    )
    assert value.options == ConnectionOptions(
        tls=False, user_cert_file=Path("u.crt"), user_key_file=Path("u.key"), gossip_timeout=1
    )


def test_replaced_values_are_checked() -> None:
    """A value made in code obeys the same rules."""
    value = ConnectionString.parse("esdb+embedded:///file.db")
    served = dataclasses.replace(value, scheme="esdb", hosts=(Host("127.0.0.1", 4000),), file=None)
    assert served.render() == "esdb://127.0.0.1:4000"
    for changes in ({"scheme": "http"}, {"scheme": "esdb"}, {"hosts": LOCAL}, {"file": Path("relative.db")}):
        with pytest.raises(InvalidConnectionString):
            dataclasses.replace(value, **changes)
    with pytest.raises(InvalidConnectionString, match="host: is missing"):
        ConnectionString("esdb")


def test_frozen_and_hashable() -> None:
    """The value can't change, so it can be a key."""
    value = ConnectionString.parse("esdb://admin:canary@a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.scheme = "kdb"  # type: ignore[misc]  # wrong on purpose
    assert len({value, ConnectionString.parse("esdb://admin:canary@a")}) == 1
    assert copy.deepcopy(value) == value


def test_pickle_only_without_a_password() -> None:
    """A value with credentials refuses to be pickled."""
    value = ConnectionString.parse("esdb://a?tls=false")
    assert pickle.loads(pickle.dumps(value)) == value
    with pytest.raises(TypeError, match="Credentials can't be pickled"):
        pickle.dumps(ConnectionString.parse("esdb://admin:canary@a"))
