"""HTTP proxies that the environment names: taken only if the settings say so."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_esdb import ConnectionClosed, EsdbSettings, InvalidSettings, NewEvent, connect
from fastapi_esdb.connection.grpcio.channel_factory import proxy_options
from fastapi_esdb.connection.proxy import Proxy, proxy_for
from fastapi_esdb.embedded import EmbeddedServer, ServerCertificate
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from tests.connection.http_proxy import HttpProxy
from tests.support.certificates import Authority
from tests.support.processes import free_port
from tests.support.transports import OVER_BOTH, OVER_GRPCIO

ON = ConnectionOptions(use_proxy=True)
ELSEWHERE = Host("db.example", 2113)
HERE = "0.0.0.0"  # no loopback address, and yet this machine


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grpc_proxy", "https_proxy", "http_proxy", "no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer() as server:
        yield server


async def append(settings: EsdbSettings) -> None:
    async with connect(settings) as esdb:
        await esdb.wait_connected(20)
        await esdb.append("s", NewEvent("Happened", {}), timeout=20)


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy", "HTTPS_PROXY"])
async def test_a_proxy_in_the_environment_is_not_taken(
    server: EmbeddedServer, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens there; the connection goes to the server itself."""
    monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    await append(EsdbSettings(connection_string=f"esdb://{HERE}:{server.port}?tls=false"))


@OVER_BOTH
@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy", "HTTPS_PROXY"])
async def test_a_proxy_is_taken_if_the_settings_say_so(
    server: EmbeddedServer, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks the name up, and hears its own user and password."""
    async with HttpProxy(server.port) as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("//", "//shop:p%40ss@"))
        await append(EsdbSettings(connection_string="esdb://db.example?tls=false", use_proxy=True, pool_size=1))
    assert set(proxy.asked) == {"db.example:2113"}
    assert set(proxy.users) == {"shop:p@ss"}


@OVER_GRPCIO
async def test_a_read_of_many_events_goes_the_same_way(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a TCP connection of its own."""
    async with HttpProxy(server.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        settings = EsdbSettings(connection_string="esdb://db.example?tls=false", use_proxy=True, pool_size=1)
        async with connect(settings) as esdb:
            await esdb.wait_connected(20)
            await esdb.append("s", [NewEvent("Happened", {})] * 3, timeout=20)
            assert len(await esdb.read("s").to_list()) == 3
    assert proxy.asked == ["db.example:2113"] * 2


@OVER_BOTH
@pytest.mark.parametrize("checked", ["true", "false"])
async def test_tls_goes_through_it(tmp_path: Path, checked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handshake is with the server, also where its certificate is asked for without a check."""
    authority = Authority(tmp_path, "ours")
    served = authority.sign("db.example")
    async with (
        EmbeddedServer(tls=ServerCertificate.from_files(served.certificate, served.key)) as server,
        HttpProxy(server.port) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//shop:p%40ss@"))
        string = f"esdb://db.example?tlsCaFile={authority.file}&tlsVerifyCert={checked}&useProxy=true"
        await append(EsdbSettings(connection_string=string, pool_size=1))
    assert set(proxy.asked) == {"db.example:2113"}
    assert set(proxy.users) == {"shop:p@ss"}


@OVER_BOTH
@pytest.mark.parametrize("tls", ["tls=false", "tlsVerifyCert=false"])
async def test_a_failed_attempt_names_the_proxy(
    server: EmbeddedServer, tls: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, and in the cause of the error; never with its password."""
    caplog.set_level(logging.WARNING)
    async with HttpProxy(server.port, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//shop:canary-7319@"))
        settings = EsdbSettings(connection_string=f"esdb://db.example?{tls}", use_proxy=True)
        async with connect(settings) as esdb:
            with pytest.raises(ConnectionClosed) as caught:
                await esdb.wait_connected(0.5)
    said = f"by way of the proxy 127.0.0.1:{proxy.port}, which https_proxy names; use_proxy (ESDB_USE_PROXY) is on"
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.__notes__ == [said]
    assert said in caplog.text
    assert "407" in caplog.text
    assert "canary-7319" not in caplog.text


@OVER_BOTH
async def test_something_that_is_no_proxy(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where we ask it ourselves, its answer is told of."""
    async with HttpProxy(0, b"SSH-2.0-OpenSSH_9.9 200 \r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        settings = EsdbSettings(connection_string="esdb://db.example?tlsVerifyCert=false", use_proxy=True)
        async with connect(settings) as esdb:
            with pytest.raises(ConnectionClosed):
                await esdb.wait_connected(0.2)
    assert "the proxy answers" in caplog.text


@OVER_BOTH
@pytest.mark.parametrize("excepted", ["*", "0.0.0.0", "example,0.0.0.0"])
async def test_hosts_that_are_excepted(server: EmbeddedServer, excepted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`no_proxy` names them; `*` means all of them."""
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", excepted)
    await append(EsdbSettings(connection_string=f"esdb://{HERE}:{server.port}?tls=false&useProxy=true"))


@pytest.mark.parametrize("excepted", ["*", "db.example", ".example", "other, example", "db.example:2113"])
def test_excepted_names(excepted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name stands for itself and all below it."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert proxy_for(ELSEWHERE, ON) == Proxy("proxy.example", 3128, "https_proxy")
    monkeypatch.setenv("NO_PROXY", excepted)
    assert proxy_for(ELSEWHERE, ON) is None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_no_proxy_is_asked_for_this_machine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's loopback is another machine's."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert proxy_for(Host(name), ON) is None
    assert proxy_options(None) == (("grpc.enable_http_proxy", 0),)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://p.example:3128", "http://p.example:3128"),
        ("p.example:3128", "http://p.example:3128"),
        ("http://p.example", "http://p.example:80"),
        ("http://p.example:3128/", "http://p.example:3128"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        ("http://u:p%40@p.example:3128", "http://u:p%40@p.example:3128"),
    ],
)
def test_urls(url: str, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people write into these variables."""
    monkeypatch.setenv("http_proxy", url)
    proxy = proxy_for(ELSEWHERE, ON)
    assert proxy is not None
    assert proxy.url == found
    assert "p%40" not in f"{proxy!r} {proxy}"


@pytest.mark.parametrize("url", ["https://u:c4n4ry@p.example", "socks5://p.example:1080", "http://", "http://p:x"])
def test_what_is_no_http_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, its value is not."""
    monkeypatch.setenv("https_proxy", url)
    with pytest.raises(InvalidSettings, match=r"^https_proxy: must be like http://proxy\.example:3128") as caught:
        proxy_for(ELSEWHERE, ON)
    assert "c4n4ry" not in str(caught.value)
