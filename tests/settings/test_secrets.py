"""A canary as password and token is found in no text that settings can end up in."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from fastapi_esdb.errors import EsdbError
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings

CANARY = "c4n4ry"
STRING = f"esdb://admin:{CANARY}@localhost?tls=false&userCertFile=u.crt&userKeyFile={CANARY}.key"


def by_keyword() -> EsdbSettings:
    return EsdbSettings(
        connection_string=STRING,
        username="ops",
        password=CANARY,
        control_token=CANARY,
        user_key_file=Path(f"{CANARY}.key"),
    )


def by_environment() -> EsdbSettings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("CONNECTION_STRING", STRING), ("PASSWORD", CANARY), ("CONTROL_TOKEN", CANARY)):
            patch.setenv(f"ESDB_{name}", value)
        return EsdbSettings()


def by_dotenv() -> EsdbSettings:
    lines = f"ESDB_CONNECTION_STRING={STRING}\nESDB_PASSWORD={CANARY}\nESDB_CONTROL_TOKEN={CANARY}\n"
    Path(".env").write_text(lines)
    return EsdbSettings()


def texts(thing: Any) -> Iterator[str]:
    """What printing, formatting and logging make of a value."""
    yield from (
        repr(thing),
        str(thing),
        f"{thing}",
        f"{thing!r}",
        format(thing),
        repr([thing]),
        repr({"x": thing}),
    )


@pytest.mark.parametrize("make", [by_keyword, by_environment, by_dotenv])
def test_values(make: Callable[[], EsdbSettings], caplog: pytest.LogCaptureFixture) -> None:
    """No text of settings, target or credentials shows a secret; nor does the log, however detailed."""
    caplog.set_level(logging.DEBUG)
    settings = make()
    for thing in (settings, settings.target, settings.target.options, settings.target.credentials, Credentials):
        assert not [text for text in texts(thing) if CANARY in text]
        logging.getLogger("test").debug("made %s from %r", thing, thing)
    assert CANARY not in caplog.text


def test_dumps() -> None:
    """Dumping and describing the settings shows no secret."""
    settings = by_keyword()
    shown = [settings.model_dump(), settings.model_dump_json(), EsdbSettings.model_json_schema()]
    assert CANARY not in repr(shown)


@pytest.mark.parametrize("make", [by_keyword, by_environment, by_dotenv])
def test_pickles(make: Callable[[], EsdbSettings]) -> None:
    """Nothing that holds a secret can be pickled."""
    settings = make()
    for thing in (settings, settings.target, settings.target.credentials, settings.target.options):
        with pytest.raises(TypeError, match="can't be pickled"):
            pickle.dumps(thing)


def test_options() -> None:
    """Those that say nothing of a key can be pickled; all can be copied."""
    options = by_keyword().target.options
    assert copy.copy(options) == copy.deepcopy(options) == options
    harmless = replace(options, user_cert_file=None, user_key_file=None)
    assert pickle.loads(pickle.dumps(harmless)) == harmless


WRONG: list[dict[str, Any]] = [
    {"connection_string": STRING, "pool_size": 0},
    {"connection_string": STRING, "password": 3, "wait": -1},
    {"connection_string": STRING + "&nope=1"},
    {"connection_string": STRING.replace("esdb", CANARY)},
    {"connection_string": STRING.replace("@", "/")},
    {"connection_string": STRING.replace("@", "%@")},
    {"connection_string": STRING.replace("@", "%ff@")},
    {"connection_string": STRING.replace("@", "@@")},
    {"connection_string": STRING.replace("@", "#@")},
    {"connection_string": [CANARY]},
    {"connection_string": "esdb://a", "password": CANARY},
    {"connection_string": "esdb://a", "username": "a", "password": CANARY + "\n"},
    {"connection_string": "esdb://a", "username": f"{CANARY}:", "password": CANARY},
    {"control_token": CANARY + " "},
    {"control_token": [CANARY]},
    {"connection_string": STRING, "pasword": CANARY},
    {"tls": CANARY, "node_preference": CANARY, "connection_name": CANARY + "\n", "keep_alive_interval": CANARY},
]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and everything behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("values", WRONG)
@pytest.mark.parametrize("make", [EsdbSettings, lambda **values: EsdbSettings.model_validate(values)])
def test_errors(make: Callable[..., EsdbSettings], values: dict[str, Any]) -> None:
    """No error about settings, nor anything behind it, holds a secret; none is pydantic's, which keeps the input."""
    with pytest.raises(EsdbError) as caught:
        make(**values)
    for error in chain(caught.value):
        assert not isinstance(error, ValidationError)
        assert CANARY not in repr(error.args) + str(error) + repr(vars(error))
    assert CANARY not in "".join(traceback.format_exception_only(caught.value))


def test_assignment() -> None:
    """An attempt to change a setting does not repeat the value."""
    with pytest.raises(AttributeError) as caught:
        EsdbSettings().password = SecretStr(CANARY)  # type: ignore[misc]  # wrong on purpose
    assert CANARY not in str(caught.value)


def test_asked_for() -> None:
    """Only who asks by name gets the secret."""
    assert CANARY in ConnectionString.parse(STRING).render(redact=False)
    assert by_keyword().target.credentials == Credentials("ops", SecretStr(CANARY))
