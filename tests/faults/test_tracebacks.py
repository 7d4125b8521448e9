"""Tools that show tracebacks with the variables in them (Sentry, rich, the standard library) show no secret either."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import TracebackException
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from fastapi_esdb import Connection, Credentials, Esdb, EsdbSettings, NewEvent, connect
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import EsdbError
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.testing import running
from tests.support.processes import free_port
from tests.support.secrets import PASSWORD, USER, chain, found_in, secrets

QUOTED = quote(PASSWORD, safe="")
OTHERS = Credentials("somebody", SecretStr(PASSWORD))
EVENT = NewEvent("Tried", {})


def variables(error: BaseException) -> Iterator[str]:
    """The variables in the tracebacks of an exception and all that led to it, but for those of this file."""
    for each in chain(error):
        for frame in TracebackException.from_exception(each, capture_locals=True).stack:
            if frame.filename != __file__:
                yield from (
                    f"{frame.filename}:{frame.lineno} {name} = {text}" for name, text in (frame.locals or {}).items()
                )


def seen_in(error: BaseException) -> list[str]:
    """The variables that show a secret."""
    return [line for line in variables(error) if found_in([line])]


WRONG: list[str] = [
    f"esdb://{USER}:{QUOTED}@localhost:x",
    f"esdb://{USER}:{QUOTED}@localhost?nope=1",
    f"esdb://{USER}:{QUOTED}@localhost?tls=maybe",
    f"esdb://{USER}:{QUOTED}%@localhost",
    f"esdb://{USER}:{QUOTED}%01@localhost",
    f"esdb://{USER}:{QUOTED}@localhost?userCertFile=u.crt",
    f"esdb://{USER}:{QUOTED}/@localhost",
    f"esdb+embedded://{USER}:{QUOTED}@localhost",
    f"esdb://{USER}{QUOTED}@localhost",
    f"nothing://{USER}:{QUOTED}@localhost",
    f"esdb://{USER}:{PASSWORD}@localhost",
]


async def by_connect(text: str) -> None:
    async with connect(text):
        pytest.fail("it is wrong")


async def by_an_app(text: str) -> None:
    app = FastAPI()
    app.include_router(Esdb(lambda: EsdbSettings(connection_string=text)).router)
    async with running(app):
        pytest.fail("it is wrong")


async def by_an_app_that_forgot_the_settings(text: Any) -> None:
    app = FastAPI()
    app.include_router(Esdb(text).router)
    async with running(app):
        pytest.fail("it is wrong")


async def by_the_environment(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESDB_CONNECTION_STRING", text)
        EsdbSettings()


async def by_update(text: str) -> None:
    EsdbSettings().model_copy(update={"connection_string": text})


async def by_keyword(text: str) -> None:
    EsdbSettings(connection_string=text)


async def by_values(text: str) -> None:
    EsdbSettings.model_validate({"connection_string": text})


async def by_parsing(text: str) -> None:
    ConnectionString.parse(text)


@pytest.mark.parametrize(
    "give",
    [
        by_connect,
        by_an_app,
        by_an_app_that_forgot_the_settings,
        by_the_environment,
        by_update,
        by_keyword,
        by_values,
        by_parsing,
    ],
)
async def test_a_bad_connection_string(give: Callable[[Any], Awaitable[None]]) -> None:
    """Neither its text nor any part of it is a variable on the way of the error."""
    for text in WRONG:
        with pytest.raises(EsdbError) as caught:
            await give(text)
        assert seen_in(caught.value) == []


BAD: list[dict[str, Any]] = [
    {"password": PASSWORD},
    {"username": "a:b", "password": PASSWORD},
    {"username": "a", "password": PASSWORD + "\n"},
    {"pasword": PASSWORD},
    {"password": PASSWORD, "pool_size": 0},
    {"password": PASSWORD, "pool_size": 20},
    {"password": [PASSWORD]},
    {"control_token": PASSWORD},
]


@pytest.mark.parametrize("values", BAD, ids=range(len(BAD)))
def test_bad_settings(values: dict[str, Any]) -> None:
    """Nor are those that were right beside the wrong one."""
    makers: list[Callable[[], EsdbSettings]] = [
        lambda: EsdbSettings(connection_string="esdb://a", **values),
        lambda: EsdbSettings.model_validate({"connection_string": "esdb://a", **values}),
        lambda: EsdbSettings(connection_string="esdb://a").model_copy(update=values),
    ]
    for make in makers:
        with pytest.raises(EsdbError) as caught:
            make()
        assert seen_in(caught.value) == []


def test_a_setting_is_read_only() -> None:
    """The value that was not taken is not shown."""
    with pytest.raises(AttributeError) as caught:
        EsdbSettings().password = PASSWORD  # type: ignore[misc,assignment]  # wrong on purpose
    assert seen_in(caught.value) == []


def test_a_file_of_settings_that_is_not_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file, and holds nothing of what is in it."""
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(f"ESDB_PASSWORD={PASSWORD}\n# caf".encode("latin-1") + b"\xe9\n")
    with pytest.raises(EsdbError, match=r"^\.env: must be text in UTF-8") as caught:
        EsdbSettings()
    assert seen_in(caught.value) == []
    assert not found_in(f"{error!r} {vars(error)} {error.args}" for error in chain(caught.value))


async def consume(esdb: Connection) -> object:
    async with esdb.persistent_subscriptions.consume("s", "group") as consumer:
        return await anext(consumer)


CALLS: dict[str, Callable[[Connection], Awaitable[object]]] = {
    "append": lambda esdb: esdb.append("s", EVENT),
    "append as another": lambda esdb: esdb.append("s", EVENT, credentials=OTHERS),
    "late append": lambda esdb: esdb.append("s", EVENT, timeout=0.000_001),
    "read": lambda esdb: esdb.read("s").to_list(),
    "short read": lambda esdb: esdb.read("s", limit=5).to_list(),
    "read as another": lambda esdb: esdb.read("s", credentials=OTHERS).to_list(),
    "read all": lambda esdb: esdb.read_all().to_list(),
    "subscribe": lambda esdb: anext(esdb.subscribe("s")),
    "subscribe as another": lambda esdb: anext(esdb.subscribe_all(credentials=OTHERS)),
    "consume": consume,
    "delete": lambda esdb: esdb.delete("nothing"),
    "list groups": lambda esdb: esdb.persistent_subscriptions.list(),
    "new user": lambda esdb: esdb.users.create("x", PASSWORD),
    "new user without a name": lambda esdb: esdb.users.create("", PASSWORD),
    "new user with half a character": lambda esdb: esdb.users.create("x", PASSWORD + "\ud800"),
    "another password": lambda esdb: esdb.users.change_password("x", PASSWORD, PASSWORD),
    "another password that is none": lambda esdb: esdb.users.change_password("x", PASSWORD, ""),
    "a password that is no text": lambda esdb: esdb.users.reset_password("x", PASSWORD.encode()),  # type: ignore[arg-type]
    "users": lambda esdb: esdb.users.list(),
    "statistics": lambda esdb: anext(aiter(esdb.stats())),
    "members": lambda esdb: esdb.cluster.members(),
    "ping": lambda esdb: esdb.ping(0.000_001),
    "wait": lambda esdb: esdb.wait_connected(0.01),
}


@asynccontextmanager
async def one_that_refuses(**values: Any) -> AsyncIterator[Connection]:
    """A connection to a server that knows none of the users."""
    async with EmbeddedServer(secure=True) as server:
        string = f"esdb://{USER}:{QUOTED}@{server.address}?tls=false"
        async with connect(EsdbSettings(connection_string=string, deadline=0.4, **values)) as esdb:
            yield esdb


@asynccontextmanager
async def one_that_is_absent(**values: Any) -> AsyncIterator[Connection]:
    string = f"esdb://{USER}:{QUOTED}@127.0.0.1:{free_port()}?tls=false"
    async with connect(EsdbSettings(connection_string=string, deadline=0.4, **values)) as esdb:
        yield esdb


@asynccontextmanager
async def one_that_goes_away(**values: Any) -> AsyncIterator[Connection]:
    """A connection whose server has just stopped, which calls find out."""
    async with EmbeddedServer() as server:
        string = f"esdb://{USER}:{QUOTED}@{server.address}?tls=false&defaultDeadline=400"
        async with connect(EsdbSettings(connection_string=string, **values)) as esdb:
            await esdb.wait_connected(10)
            await server.stop()
            yield esdb


@asynccontextmanager
async def one_that_was_closed(**values: Any) -> AsyncIterator[Connection]:
    async with one_that_refuses(**values) as esdb:
        await esdb.close()
        yield esdb


@pytest.mark.parametrize("mode", AppendMode)
@pytest.mark.parametrize("place", [one_that_refuses, one_that_is_absent, one_that_goes_away, one_that_was_closed])
async def test_calls_that_fail(place: Callable[..., Any], mode: AppendMode) -> None:
    """Whatever a call was, and whatever it fails with."""
    calls = CALLS if mode is AppendMode.SHARED else {name: call for name, call in CALLS.items() if "append" in name}
    failed = {}
    async with place(append_mode=mode) as esdb:
        ended = await asyncio.gather(*(call(esdb) for call in calls.values()), return_exceptions=True)
        for name, error in zip(calls, ended, strict=True):
            if isinstance(error, BaseException):
                failed[name] = seen_in(error)
    assert set(failed) >= {"append", "late append"}
    assert {name: lines for name, lines in failed.items() if lines} == {}


async def test_a_start_without_a_server() -> None:
    """A start that needs the connection fails without showing what it would have sent."""
    string = f"esdb://{USER}:{QUOTED}@127.0.0.1:{free_port()}?tls=false"
    settings = EsdbSettings(connection_string=string, require_connection=True, start_timeout=0.1)
    app = FastAPI()
    app.include_router(Esdb(settings).router)
    with pytest.raises(EsdbError) as caught:
        async with running(app):
            pytest.fail("it must not start")
    assert seen_in(caught.value) == []


async def test_another_machine_in_plain_text() -> None:
    """The refusal to send credentials does not show them."""
    with pytest.raises(EsdbError, match="plain text") as caught:
        async with connect(f"esdb://{USER}:{QUOTED}@db.example?tls=false"):
            pytest.fail("it must not open")
    assert seen_in(caught.value) == []


async def test_rich_shows_none() -> None:
    """It looks into objects by their fields, and cuts long texts, whose `repr` it does not ask then."""
    console = pytest.importorskip("rich.console")
    tracebacks = pytest.importorskip("rich.traceback")
    shown = io.StringIO()
    async with one_that_refuses() as esdb:
        for name in ("append as another", "read", "new user"):
            try:
                await CALLS[name](esdb)
            except EsdbError as error:
                made = tracebacks.Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
                for stack in made.trace.stacks:
                    stack.frames = [frame for frame in stack.frames if frame.filename != __file__]
                console.Console(file=shown, width=1000).print(made)
    text = shown.getvalue()
    assert "headers" in text
    assert not [secret for secret in secrets() if secret[:40] in text]


def test_the_search_looks_into_variables() -> None:
    """A secret in a variable of another file is found, in an error that led to the last one as well."""

    def fail(number: str) -> None:
        try:
            int(number)
        except ValueError:
            raise KeyError from None

    code = compile("def other(fail, number):\n    kept = number\n    fail(kept)\n", "other.py", "exec")
    names: dict[str, Any] = {}
    exec(code, names)
    with pytest.raises(KeyError) as caught:
        names["other"](fail, PASSWORD)
    assert [line.split(" = ")[0] for line in seen_in(caught.value)] == ["other.py:3 number", "other.py:3 kept"]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
