"""`python -m fastapi_esdb.embedded`: a server as a process of its own."""

from __future__ import annotations

import signal
from pathlib import Path

import grpc
import pytest
import trustme

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import GOSSIP
from fastapi_esdb.wire.errors import AccessDenied
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.support.bare_client import connected
from tests.support.processes import python

MODULE = ("-m", "fastapi_esdb.embedded")


def address_in(connection_string: str) -> str:
    return connection_string.removeprefix("esdb://").partition("?")[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    """It prints where it is when it is ready, serves, and exits well on both signals, open subscriptions or not."""
    async with python(*MODULE, "--port", "0", "--log-level", "error") as process:
        connection_string = await process.line()
        assert connection_string.endswith("?tls=false")
        async with connected(address_in(connection_string)) as client:
            assert (await client.write("a")).revision == 0
            call = await client.subscribe(ReadRequest("a", subscribe=True))
            await call.take(3)
            assert await process.ended(number) == 0
    assert process.printed == f"{connection_string}\n"


async def test_data_outlives_the_process(tmp_path: Path) -> None:
    """What was acknowledged is in the file, however the process ends."""
    arguments = (*MODULE, "--port", "0", "--data", str(tmp_path / "events.db"), "--log-level", "error")
    for revision, number in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
        async with python(*arguments) as process, connected(address_in(await process.line())) as client:
            assert (await client.write("a")).revision == revision
            await process.ended(number)


async def test_tls_and_users(tmp_path: Path) -> None:
    """It speaks TLS and asks for users where that is wanted."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    tls = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    trusting = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with python(*MODULE, "--port", "0", "--secure", *tls, "--log-level", "error") as process:
        connection_string = await process.line()
        assert connection_string.startswith("esdb://localhost:")
        assert connection_string.endswith("?tls=true")
        async with connected(address_in(connection_string), trusting) as client:
            assert await client.call(GOSSIP, None)
            with pytest.raises(AccessDenied):
                await client.read(ReadRequest("a"))


async def test_it_says_what_it_is_for() -> None:
    """Unless told to be quiet, it warns."""
    async with python(*MODULE, "--port", "0") as process:
        await process.until("development and tests only")


async def failure(*arguments: str) -> str:
    """What it says before it gives up."""
    async with python(*MODULE, *arguments) as process:
        assert await process.ended() == 2
        return process.printed


async def test_a_port_in_use() -> None:
    """It gives up with one line that names the address."""
    async with EmbeddedServer() as server:
        said = await failure("--port", str(server.port))
    assert said.startswith(f"fastapi_esdb.embedded: cannot listen on {server.address}: the port is in use")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--host", "0.0.0.0"), "--allow-remote"),
        (("--port", "70000"), "port 70000"),
        (("--tls-cert", "cert.pem"), "--tls-key"),
        (("--tls-cert", "missing.pem", "--tls-key", "missing.pem"), "missing.pem"),
        (("--tls-cert", __file__, "--tls-key", __file__), "the certificate (--tls-cert) is none"),
        (("--data", "/nowhere/events.db"), "/nowhere/events.db"),
    ],
)
async def test_what_can_not_be(arguments: tuple[str, ...], reason: str) -> None:
    """What it is told wrongly is one line that names it."""
    said = await failure("--port", "0", *arguments)
    assert said.count("\n") == 1
    assert reason in said


async def test_a_file_in_use(tmp_path: Path) -> None:
    """A file that another server has is named."""
    path = tmp_path / "events.db"
    async with EmbeddedServer(path=path):
        said = await failure("--port", "0", "--data", str(path))
    assert str(path) in said
    assert said.count("\n") == 1


async def test_an_option_that_is_unknown() -> None:
    """The usage is shown."""
    assert "usage:" in await failure("--prot", "0")
