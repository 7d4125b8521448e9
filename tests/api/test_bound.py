"""Calls with the caller's own credentials, tokens, and providers that are asked for them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fastapi_esdb import (
    AnyCredentials,
    BearerToken,
    CachedCredentials,
    Connection,
    Credentials,
    CredentialsProvider,
    Esdb,
    EsdbSettings,
    InvalidSettings,
    NewEvent,
    NoCredentials,
    StreamAcl,
    StreamMetadata,
    connect,
)
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import AccessDenied, DeadlineExceeded, InvalidArgument, NotAuthenticated
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.wire.errors import CalledAs
from tests.support.waiting import PATIENCE, until

ADMIN = Credentials("admin", "changeit")
JANES = BearerToken("janes-token")
OTHER = BearerToken("another-token")


class Provider:
    """Gives one token after the other: the next one when the present one was refused."""

    def __init__(self, *tokens: AnyCredentials) -> None:
        self._tokens = list(tokens)
        self.asked: list[AnyCredentials | None] = []

    async def __call__(self, refused: AnyCredentials | None) -> AnyCredentials:
        self.asked.append(refused)
        if refused == self._tokens[0] and len(self._tokens) > 1:
            del self._tokens[0]
        return self._tokens[0]


@pytest.fixture
def tokens() -> dict[str, str]:
    """The tokens that the server takes."""
    return {"janes-token": "jane"}


@pytest.fixture
async def server(tokens: dict[str, str]) -> AsyncIterator[EmbeddedServer]:
    """A server with users, where jane may do all with the stream `hers` and nobody else may."""
    async with EmbeddedServer(secure=True, tokens=tokens) as server, reached(server, ADMIN) as esdb:
        await esdb.users.create("jane", "secret", full_name="Jane Doe")
        only_she = StreamAcl(read=("jane",), write=("jane",))
        await esdb.set_metadata("hers", StreamMetadata(acl=only_she))
        await esdb.append("hers", NewEvent("Begun", {}))
        yield server


@asynccontextmanager
async def reached(
    server: EmbeddedServer,
    credentials: AnyCredentials | CredentialsProvider | None = None,
    append_mode: AppendMode = AppendMode.SHARED,
) -> AsyncIterator[Connection]:
    settings = EsdbSettings(connection_string=f"esdb://{server.address}?tls=false", append_mode=append_mode)
    async with connect(settings, credentials=credentials) as esdb:
        await esdb.wait_connected(PATIENCE)
        yield esdb


async def test_a_call_may_carry_a_bearer_token(server: EmbeddedServer) -> None:
    """A token says who calls, as user name and password do."""
    async with reached(server) as esdb:
        with pytest.raises(AccessDenied):
            await esdb.read("hers").to_list()
        await esdb.append("hers", NewEvent("Gone", {}), credentials=JANES)
        assert [event.type async for event in esdb.read("hers", credentials=JANES)] == ["Begun", "Gone"]
        with pytest.raises(NotAuthenticated) as caught:
            await esdb.append("hers", NewEvent("Gone", {}), credentials=OTHER)
    assert caught.value.called_as is CalledAs.CALLER


async def test_a_bound_view_has_the_callers_rights_in_every_call(server: EmbeddedServer) -> None:
    """What is bound goes with all calls that choose nothing else, those of the parts of the connection among them."""
    async with reached(server, ADMIN) as esdb:
        janes = esdb.bound(credentials=JANES)
        assert [event.type async for event in janes.read("hers")] == ["Begun"]
        await janes.append("hers", NewEvent("Gone", {}), expected=0)
        async with janes.subscribe("hers") as events:
            assert (await anext(events)).type == "Begun"
        with pytest.raises(AccessDenied):
            await janes.operations.start_scavenge()
        with pytest.raises(AccessDenied):
            await janes.read_all(limit=1).to_list()
        assert await janes.read_all(limit=1, credentials=ADMIN).to_list()
        assert await esdb.read_all(limit=1).to_list()


async def test_views_of_a_view_keep_what_they_do_not_replace(server: EmbeddedServer) -> None:
    """The credentials of the first view go with the calls of the second one, whose deadline is its own."""
    async with reached(server) as esdb:
        quick = esdb.bound(credentials=JANES).bound(timeout=0)
        with pytest.raises(DeadlineExceeded):
            await quick.append("hers", NewEvent("Gone", {}))
        await quick.append("hers", NewEvent("Gone", {}), timeout=PATIENCE)


async def test_a_bound_requires_leader_goes_with_calls() -> None:
    """A server that does not lead refuses what only the leader may answer."""
    async with EmbeddedServer() as server, reached(server) as esdb:
        assert await esdb.bound(requires_leader=True).last_revision("s") is not None
        with pytest.raises(InvalidArgument, match="requires_leader"):
            esdb.bound(requires_leader=3)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("mode", AppendMode)
async def test_a_provider_is_asked_before_calls_and_again_when_refused(
    server: EmbeddedServer, tokens: dict[str, str], mode: AppendMode
) -> None:
    """When the server does not take a token any more, the provider gives another one and the call is made again."""
    provider = Provider(JANES, OTHER)
    async with reached(server, provider, mode) as esdb:
        assert esdb.pool.is_ready
        await esdb.append("hers", NewEvent("First", {}))
        del tokens["janes-token"]
        tokens["another-token"] = "jane"
        provider.asked.clear()
        await esdb.append("hers", NewEvent("Second", {}))
        assert provider.asked == [None, JANES]
        assert [event.type async for event in esdb.read("hers")] == ["Begun", "First", "Second"]
        assert provider.asked == [None, JANES, None]


async def test_a_read_and_a_subscription_get_another_token(server: EmbeddedServer, tokens: dict[str, str]) -> None:
    """Calls whose answers stream are begun again, too, as long as nothing was answered."""
    async with reached(server, Provider(JANES, OTHER)) as esdb:
        del tokens["janes-token"]
        tokens["another-token"] = "jane"
        assert [event.type async for event in esdb.read("hers")] == ["Begun"]
    tokens["janes-token"] = "jane"
    async with reached(server, Provider(JANES, OTHER)) as esdb:
        del tokens["janes-token"]
        async with esdb.subscribe("hers") as events:
            assert (await anext(events)).type == "Begun"


async def test_what_a_provider_gives_is_refused_for_good(server: EmbeddedServer) -> None:
    """The error names the provider; nobody is asked for ever."""
    provider = Provider(OTHER)
    async with reached(server, provider) as esdb:
        await until(lambda: not esdb.pool.is_ready)
        provider.asked.clear()
        for call in (esdb.append("hers", NewEvent("No", {})), esdb.read("hers").to_list(), esdb.users.details("jane")):
            with pytest.raises(NotAuthenticated, match="provider") as caught:
                await call
            assert caught.value.called_as is CalledAs.PROVIDER
        assert provider.asked == [None, OTHER] * 3


async def test_a_provider_that_fails_is_an_error_of_ours(server: EmbeddedServer) -> None:
    """The call was not sent; what went wrong is the cause, and a provider that hangs is not waited for longer."""

    def broken(_: object) -> AnyCredentials:
        raise OSError("no route to the identity provider")

    async def hangs(_: object) -> AnyCredentials:
        await asyncio.Event().wait()
        raise AssertionError

    async with reached(server) as esdb:
        with pytest.raises(NoCredentials, match="raised OSError, so the call was not sent") as caught:
            await esdb.bound(credentials=broken).append("hers", NewEvent("No", {}))
        assert isinstance(caught.value.__cause__, OSError)
        with pytest.raises(NoCredentials, match="did not answer in time"):
            await esdb.bound(credentials=hangs, timeout=0.05).read("hers").to_list()
        with pytest.raises(NoCredentials, match="gave str instead of Credentials or a BearerToken"):
            await esdb.bound(credentials=lambda _: "token").ping()  # type: ignore[arg-type,return-value]  # that is the point


async def test_a_provider_that_is_cancelled_fails_its_call_and_nothing_else(server: EmbeddedServer) -> None:
    """A task that a provider waits for may be cancelled by others: its caller neither ends nor hangs by that."""

    async def cancelled(_: object) -> AnyCredentials:
        raise asyncio.CancelledError

    async with reached(server, cancelled) as esdb:
        with pytest.raises(NoCredentials, match="was cancelled, so the call was not sent"):
            await esdb.append("hers", NewEvent("No", {}), timeout=PATIENCE)


async def test_a_caller_that_is_cancelled_while_a_provider_is_asked_ends(server: EmbeddedServer) -> None:
    """The provider's own wait is cancelled with the call."""
    asked, ended = asyncio.Event(), asyncio.Event()

    async def hangs(_: object) -> AnyCredentials:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with reached(server) as esdb:
        call = asyncio.ensure_future(esdb.bound(credentials=hangs).append("hers", NewEvent("No", {})))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert ended.is_set()


async def test_a_connection_whose_provider_fails_connects_and_says_so(server: EmbeddedServer) -> None:
    """It is connected, not ready, and becomes ready when the provider has credentials."""
    given: list[AnyCredentials] = []

    def provider(_: object) -> AnyCredentials:
        return given[0]

    async with reached(server, provider) as esdb:
        assert esdb.is_connected
        assert not esdb.pool.is_ready
        given.append(JANES)
        assert [event.type async for event in esdb.read("hers")] == ["Begun"]
        await until(lambda: esdb.pool.is_ready)


async def test_cached_credentials_are_fetched_once(server: EmbeddedServer, tokens: dict[str, str]) -> None:
    """They are kept until they are refused; calls at the same time wait for the same answer."""
    fetched: list[str] = []
    go = asyncio.Event()

    async def fetch() -> BearerToken:
        fetched.append(next(iter(tokens)))
        await go.wait()
        return BearerToken(next(iter(tokens)))

    async with reached(server) as plain:
        esdb = plain.bound(credentials=CachedCredentials(fetch))
        calls = [asyncio.ensure_future(esdb.append("hers", NewEvent("First", {}))) for _ in range(10)]
        await until(lambda: bool(fetched))
        go.set()
        await asyncio.gather(*calls)
        assert fetched == ["janes-token"]
        del tokens["janes-token"]
        tokens["another-token"] = "jane"
        await esdb.append("hers", NewEvent("Second", {}))
        assert fetched == ["janes-token", "another-token"]
        impatient = plain.bound(credentials=CachedCredentials(fetch, lifetime=0))
        await impatient.ping()
        await impatient.ping()
        assert len(fetched) == 4


async def test_what_is_no_credentials_is_not_cached(server: EmbeddedServer) -> None:
    """The next call has it fetched again."""
    given: list[object] = ["a-text", JANES]
    fetch = CachedCredentials(lambda: given.pop(0))  # type: ignore[arg-type,return-value]  # that is the point
    async with reached(server) as plain:
        esdb = plain.bound(credentials=fetch)
        with pytest.raises(NoCredentials, match="gave str instead of Credentials or a BearerToken"):
            await esdb.append("hers", NewEvent("No", {}))
        await esdb.append("hers", NewEvent("Yes", {}))


async def test_a_fetch_that_hangs_is_given_up(server: EmbeddedServer) -> None:
    """The identity provider may have lost one request: the next call makes another one."""
    fetched: list[bool] = []

    async def fetch() -> BearerToken:
        fetched.append(True)
        if len(fetched) == 1:
            await asyncio.Event().wait()
        return JANES

    async with reached(server) as plain:
        esdb = plain.bound(credentials=CachedCredentials(fetch, fetch_timeout=0.05))
        with pytest.raises(NoCredentials, match="did not answer in time"):
            await esdb.append("hers", NewEvent("No", {}))
        await esdb.append("hers", NewEvent("Yes", {}))
    with pytest.raises(InvalidArgument, match="fetch_timeout"):
        CachedCredentials(fetch, fetch_timeout=-1)


async def test_a_fetch_that_fails_when_nobody_waits_is_quiet(
    server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Its error is for those who wait; asyncio has nothing to log, which would show a traceback."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def fetch() -> BearerToken:
        asked.set()
        await go.wait()
        raise OSError("no route to the identity provider")

    async with reached(server) as plain:
        call = asyncio.ensure_future(plain.bound(credentials=CachedCredentials(fetch)).append("s", NewEvent("No", {})))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go.set()
        await until(lambda: not any(task.get_name() == "esdb-credentials" for task in asyncio.all_tasks()))
    gc.collect()
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize("wrong", ["a-secret-text", ("jane", "secret"), 5])
async def test_what_can_be_no_provider_is_refused_at_once(wrong: object) -> None:
    """A text is an easy mistake: the error says what is wanted, and does not repeat it."""
    wanted = "credentials must be Credentials, a BearerToken, or a function that gives one of them, not"
    with pytest.raises(InvalidSettings, match=wanted) as caught:
        async with connect("esdb://localhost?tls=false", credentials=wrong):  # type: ignore[arg-type]  # the point
            raise AssertionError
    assert "secret" not in str(caught.value)
    with pytest.raises(InvalidSettings, match=wanted):
        Esdb(credentials=wrong)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidArgument, match="fetch must be a function that gives Credentials or a BearerToken, not"):
        CachedCredentials(wrong)  # type: ignore[arg-type]  # that is the point


async def test_a_provider_given_to_one_call_is_told_where_it_goes(server: EmbeddedServer) -> None:
    """Calls take credentials as they are."""
    async with reached(server) as esdb:
        with pytest.raises(InvalidArgument, match=r"not Provider: give a provider to bound\(credentials=…\)"):
            await esdb.append("hers", NewEvent("No", {}), credentials=Provider(JANES))  # type: ignore[arg-type]  # the point
        wanted = "credentials must be Credentials, a BearerToken, or a function that gives one of them, not str"
        with pytest.raises(InvalidArgument, match=wanted):
            esdb.bound(credentials="secret")  # type: ignore[arg-type]  # that is the point


async def test_other_settings_keep_the_provider(server: EmbeddedServer) -> None:
    """The provider belongs to the connection, not to the address."""
    async with reached(server, Provider(JANES)) as esdb:
        settings = EsdbSettings(connection_string=f"esdb://{server.address}?tls=false", pool_size=2)
        await esdb.pool.reconfigure(settings)
        assert [event.type async for event in esdb.read("hers")] == ["Begun"]
        assert esdb.pool.is_ready


@pytest.mark.parametrize("text", ["", "a b", "ä", "line\nbreak"])
def test_a_token_is_what_a_header_can_hold(text: str) -> None:
    """The error does not repeat the token."""
    with pytest.raises(ValueError, match="token must be printable ASCII characters without blanks") as caught:
        BearerToken(text)
    assert not text or text not in str(caught.value)


def test_a_token_is_in_no_text() -> None:
    """Neither its repr nor that of the settings shows it, and it can't be pickled."""
    assert "secret" not in repr(BearerToken("secret"))
    settings = EsdbSettings(connection_string="esdb://localhost?tls=false").calling_as(BearerToken("secret"))
    assert "secret" not in repr(settings)
    with pytest.raises(TypeError, match="pickled"):
        BearerToken("secret").__reduce__()
