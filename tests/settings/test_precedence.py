"""Which settings reach which database, by the places that the connection string and they are given in."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb.settings.choices import NodePreference, TransportKind
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.kinds import as_text
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.settings.options import OPTIONS
from fastapi_esdb.settings.precedence import COMPLETING

VALUES: dict[str, Any] = {
    "username": "ops",
    "password": "first-password",
    "allow_insecure_credentials": True,
    "tls": False,
    "tls_verify_cert": False,
    "tls_ca_file": Path("/first/ca.pem"),
    "user_cert_file": Path("/first/user.crt"),
    "user_key_file": Path("/first/user.key"),
    "connection_name": "first",
    "node_preference": NodePreference.FOLLOWER,
    "dns_discover": True,
    "max_discover_attempts": 3,
    "discovery_interval": 250,
    "gossip_timeout": 9,
    "default_deadline": 2500,
    "keep_alive_interval": 20_000,
    "keep_alive_timeout": 5000,
    "throw_on_append_failure": False,
    "use_proxy": True,
    "transport": TransportKind.HTTP2,
}
"""What each setting that completes a connection string is set to; none is its default."""

PARTNERS = {"username": "password", "user_cert_file": "user_key_file"}
"""Settings that can't be set alone."""
PARTNERS.update({value: key for key, value in PARTNERS.items()})

CODE, ENVIRONMENT, FILE, SECRETS, STRING = "code", "environment", ".env", "secrets", "the string itself"
REACHES = {
    CODE: {CODE, ENVIRONMENT, FILE, SECRETS},
    ENVIRONMENT: {ENVIRONMENT, FILE, SECRETS},
    FILE: {FILE},
    SECRETS: {ENVIRONMENT, FILE, SECRETS},
}
"""For each place of a setting: the places whose connection strings it completes."""


@dataclass
class Places:
    """Settings by the places that they are given in."""

    patch: pytest.MonkeyPatch
    folder: Path

    def settings(self, given: Mapping[str, Mapping[str, Any]]) -> EsdbSettings:
        """The settings that come of values in several places."""
        secrets = self.folder / "secrets"
        secrets.mkdir(exist_ok=True)
        for name, value in given.get(SECRETS, {}).items():
            (secrets / f"esdb_{name}").write_text(as_text(value))
        for name, value in given.get(ENVIRONMENT, {}).items():
            self.patch.setenv(f"ESDB_{name.upper()}", as_text(value))
        lines = [f"ESDB_{name.upper()}={as_text(value)}\n" for name, value in given.get(FILE, {}).items()]
        (self.folder / ".env").write_text("".join(lines))
        return EsdbSettings(_secrets_dir=secrets, **given.get(CODE, {}))


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Places:
    return Places(monkeypatch, tmp_path)


def effect(settings: EsdbSettings, name: str) -> object:
    """What a setting has come to: in what is connected to, or beside it."""
    target = settings.target
    if name in {"username", "password"}:
        found = getattr(target.credentials, name, None)
        return found if name == "username" or found is None else found.get_secret_value()
    return getattr(settings if name == "allow_insecure_credentials" else target.options, name)


def default(name: str) -> object:
    """What a setting is without being set."""
    return effect(EsdbSettings(connection_string="esdb://a", _env_file=None), name)


def together(name: str) -> dict[str, Any]:
    """A setting, and the other that it needs beside it."""
    return {each: VALUES[each] for each in (name, PARTNERS.get(name, name))}


def merged(*given: tuple[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values by place, several of them perhaps for the same one."""
    found: dict[str, dict[str, Any]] = {}
    for place, values in given:
        found.setdefault(place, {}).update(values)
    return found


def test_every_completing_setting_is_tested() -> None:
    """Each option of the connection string, the credentials and what goes with them."""
    assert set(VALUES) == set(COMPLETING) > {option.field for option in OPTIONS}
    assert not [name for name in VALUES if default(name) == VALUES[name]]


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_reaches_the_string_of_its_own_place_and_of_those_it_wins_over(name: str, places: Places) -> None:
    """Beside a string from another place it does not count at all."""
    for place, reached in REACHES.items():
        for string_in in REACHES:
            with pytest.MonkeyPatch.context() as patch:
                given = merged((string_in, {"connection_string": "esdb://a"}), (place, together(name)))
                for file in (places.folder / "secrets").glob("*"):
                    file.unlink()
                found = effect(Places(patch, places.folder).settings(given), name)
            expected = VALUES[name] if string_in in reached else default(name)
            assert found == expected, f"{name} in {place}, the string in {string_in}"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
@pytest.mark.parametrize("place", [CODE, ENVIRONMENT, FILE])
def test_a_setting_wins_over_the_option_of_a_string_that_it_reaches(option: Any, place: str, places: Places) -> None:
    """In the string stands what the default is, and the other is taken."""
    partners = "&userCertFile=u&userKeyFile=u" if option.field in PARTNERS else ""
    said = "" if option.default is None else f"&{option.name}={as_text(option.default)}"
    string = f"esdb://a?{(partners + said)[1:]}"
    given = merged((place, {"connection_string": string, option.field: VALUES[option.field]}))
    assert effect(places.settings(given), option.field) == VALUES[option.field]


@pytest.mark.parametrize("name", VALUES)
def test_the_first_place_wins(name: str, places: Places) -> None:
    """Of a setting that is given in all places, the one in code counts, then the environment's, then that of `.env`."""
    string = {"connection_string": "esdb://a"}
    low = {name: "other" if isinstance(VALUES[name], str) else default(name)}
    low |= {name: f"/other/{name}"} if name in {"tls_ca_file", "user_cert_file", "user_key_file"} else {}
    partner = {PARTNERS[name]: VALUES[PARTNERS[name]]} if name in PARTNERS else {}
    for high, lower in ((CODE, ENVIRONMENT), (ENVIRONMENT, FILE)):
        with pytest.MonkeyPatch.context() as patch:
            given = merged((FILE, string), (lower, low), (high, {name: VALUES[name], **partner}))
            assert effect(Places(patch, places.folder).settings(given), name) == VALUES[name]


def test_credentials_do_not_reach_another_host(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    """A string in code that says everything is taken as it is, and there is nothing to be said about it."""
    first = {"username": "first", "password": "first-password", "tls": "false", "allow_insecure_credentials": "true"}
    string = "esdb://auditor:auditpw@audit.example:2113?tls=true"
    settings = places.settings({ENVIRONMENT: first, FILE: first, CODE: {"connection_string": string}})
    assert settings.target == ConnectionString.parse(string)
    assert settings.allow_insecure_credentials is False
    assert [record for record in caplog.records if "ESDB_ALLOW" not in record.message] == []


def test_what_is_left_out_is_logged(places: Places, caplog: pytest.LogCaptureFixture) -> None:
    """A string that leaves something open that the environment names: a warning names it, and no value."""
    given = {"username": "ops", "password": "canary-7319", "tls": "false", "pool_size": 3}
    code = {"connection_string": "esdb://audit.example?tls=true"}
    settings = places.settings({ENVIRONMENT: given, CODE: code})
    assert (settings.target.credentials, settings.pool_size) == (None, 3)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            "ESDB_PASSWORD, ESDB_USERNAME in the environment: left out, since the connection string is given in code; "
            "what completes it belongs there, too",
        )
    ]


def test_a_wrong_string_beside_variables_is_one_error(places: Places) -> None:
    """It is told as it would be without them."""
    with pytest.raises(ValueError, match="host 1: port"):
        places.settings({ENVIRONMENT: {"username": "u"}, CODE: {"connection_string": "esdb://u:p@a:x"}})


@pytest.mark.parametrize("place", [ENVIRONMENT, FILE])
def test_settings_that_complete_no_string_count_wherever_it_is(place: str, places: Places) -> None:
    """Sizes, times and what the app does about errors are the app's, not the database's."""
    given = {"pool_size": 3, "wait": 4.0, "deadline": 5.0, "read_only": True, "append_mode": "single"}
    settings = places.settings({place: given, CODE: {"connection_string": "esdb://a"}})
    assert {name: getattr(settings, name) for name in given} == given
    assert settings.target.options.default_deadline == 5000


@pytest.mark.parametrize(
    "code",
    [
        {"connection_string": "esdb://a?defaultDeadline=3000"},
        {"connection_string": "esdb://a", "default_deadline": 3000},
        {"connection_string": "esdb://a", "deadline": 3.0},
        {"default_deadline": 3000},
    ],
)
def test_a_deadline_in_code_wins_in_either_unit(code: dict[str, Any], places: Places) -> None:
    """Also over the setting of the other unit in the environment."""
    outside = {"connection_string": "esdb://b", "deadline": 5.0, "default_deadline": 7000}
    assert places.settings({ENVIRONMENT: outside, CODE: code}).target.options.default_deadline == 3000


def test_a_copy_with_another_string_takes_what_was_given_in_code(places: Places) -> None:
    """What the environment said of the former database stays behind; so it does in a copy of the copy."""
    first = {"connection_string": "esdb://a", "username": "u", "password": "p", "allow_insecure_credentials": "true"}
    settings = places.settings({ENVIRONMENT: first, CODE: {"tls": False, "pool_size": 3}})
    other = settings.model_copy().model_copy(update={"connection_string": "esdb://b"})
    assert (other.target.hosts[0].name, other.target.credentials, other.target.options.tls) == ("b", None, False)
    assert (other.allow_insecure_credentials, other.pool_size) == (False, 3)
    again = settings.model_copy(update={"password": "q"}).model_copy(update={"wait": 1.0})
    assert again.target.credentials is not None
    assert (again.target.credentials.username, again.target.credentials.password.get_secret_value()) == ("u", "q")


def test_the_embedded_server_is_nobody_elses_database(places: Places) -> None:
    """It stands in where there is no string at all, so that nothing is taken away from anywhere else."""
    settings = places.settings({ENVIRONMENT: {"default_deadline": 700}, CODE: {"embedded": True}})
    assert settings.target.embedded
    assert settings.target.options.default_deadline == 700
