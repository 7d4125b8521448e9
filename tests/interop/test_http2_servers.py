"""Both transports speak to gRPC servers on other implementations of HTTP/2 than grpcio's."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2.messages import framed
from fastapi_esdb.connection.transport import RpcFailed, Transport
from fastapi_esdb.connection.transports import open_transport
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.status.codes import StatusCode
from tests.interop import node
from tests.support.processes import free_port
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, eventually

SERVERS = Path(__file__).parent / "servers"
HEADERS = CallHeaders((("own-header", "value"),))
ECHO, FAIL, MANY, NEVER, BOTH = (f"/test.Interop/{name}" for name in ("Echo", "Fail", "Many", "Never", "Both"))

NGHTTPD = ("--no-tls", "--trailer", "grpc-status: 0", "--address", "127.0.0.1")
SIZES = (0, 100, 70_000, 2_000_000)
HYPERCORN = ("-m", "hypercorn", "tests.interop.servers.asgi:app", "--workers", "0", "--bind")

GRPC_SERVERS = pytest.mark.parametrize("port", ["node", "hypercorn"], indirect=True)
FILE_SERVER = pytest.mark.parametrize("port", ["nghttpd"], indirect=True)
NODE = pytest.mark.parametrize("port", ["node"], indirect=True)

pytestmark = OVER_BOTH


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files for a server that knows nothing of gRPC: an answer, and what kind of answer it is."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "mime.types").write_text("application/grpc grpc\n")
    (folder / "answer.grpc").write_bytes(b"".join(framed(b"x" * size) for size in SIZES))
    return folder


@pytest.fixture(scope="module")
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Where the server of that name listens; skips the test where it is not installed."""
    number = free_port()
    with subprocess.Popen(_command(request, number), env=_environment(request)) as process:
        try:
            eventually(lambda: _listens(process, number))
            yield number
        finally:
            process.kill()


def _command(request: pytest.FixtureRequest, port: int) -> tuple[str, ...]:
    if request.param == "hypercorn":
        return (sys.executable, *HYPERCORN, f"127.0.0.1:{port}")
    if request.param == "node":
        return "node", str(SERVERS / "node.cjs"), str(port)
    program = shutil.which("nghttpd")
    if program is None:
        pytest.skip("there is no nghttpd: get it with `apt-get install nghttp2-server`")
    folder = request.getfixturevalue("files")
    return program, *NGHTTPD, "--htdocs", str(folder), "--mime-types-file", str(folder / "mime.types"), str(port)


def _environment(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param != "node":
        return dict(os.environ)
    cache = getattr(request.config, "cache", None)
    if cache is None:
        pytest.skip("pytest's cache, where gRPC for Node is kept, is switched off")
    return {**os.environ, "NODE_PATH": str(node.installed(cache, SERVERS / "package.json"))}


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the server ended instead of listening"
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def opened(port: int) -> AsyncIterator[Transport]:
    found = await open_transport(Host("127.0.0.1", port), ConnectionOptions(tls=False), Deadline.after(PATIENCE))
    yield found
    await found.close()


@GRPC_SERVERS
@pytest.mark.parametrize("size", SIZES)
async def test_messages_of_all_sizes_come_back(opened: Transport, size: int) -> None:
    """Windows of both sides open again and again."""
    request = os.urandom(size)
    assert await opened.unary(ECHO, request, PATIENCE, HEADERS).answer() == request


@GRPC_SERVERS
async def test_many_calls_at_once(opened: Transport) -> None:
    """Each has the answer to its own question."""
    requests = [b"%d" % number for number in range(90)]
    answers = [opened.unary(ECHO, request, PATIENCE, HEADERS).answer() for request in requests]
    assert await asyncio.gather(*answers) == requests


@FILE_SERVER
async def test_an_answer_that_is_a_file(opened: Transport) -> None:
    """Ten at once, each for a request of two megabytes that nobody looks at."""
    calls = [opened.server_stream("/answer.grpc", bytes(2_000_000), PATIENCE, HEADERS) for _ in range(10)]
    for call in calls:
        found: list[int] = []
        while batch := await call.read():
            found += map(len, batch)
        assert found == [*SIZES]


@GRPC_SERVERS
@pytest.mark.parametrize(("count", "size"), [(0, 1), (1000, 300), (100, 70_000)])
async def test_many_answers(opened: Transport, count: int, size: int) -> None:
    """All of them, whole, in their order, cut into frames as the server likes."""
    call = opened.server_stream(MANY, b"%d %d" % (count, size), PATIENCE, HEADERS)
    found: list[bytes] = []
    while batch := await call.read():
        found += batch
    assert found == [bytes([number % 256]) * size for number in range(count)]


@GRPC_SERVERS
async def test_a_failure_has_its_text_and_its_trailers(opened: Transport) -> None:
    """Beyond ASCII, and in bytes."""
    with pytest.raises(RpcFailed) as caught:
        await opened.unary(FAIL, b"please", PATIENCE, HEADERS).answer()
    assert (caught.value.code, caught.value.details) == (StatusCode.ABORTED, "für 100 %")
    assert {("reason", "because"), ("reason-bin", b"\0\1\xff")} <= set(caught.value.trailers)


@GRPC_SERVERS
async def test_a_call_that_is_broken_off_leaves_the_others_alone(opened: Transport) -> None:
    """Its deadline or its caller ends it, and the connection goes on."""
    with pytest.raises(RpcFailed, match="DEADLINE_EXCEEDED"):
        await opened.server_stream(NEVER, b"now", 0.2, HEADERS).read()
    cancelled = opened.server_stream(NEVER, b"now", None, HEADERS)
    cancelled.cancel()
    with pytest.raises(RpcFailed, match="CANCELLED"):
        await cancelled.read()
    assert await opened.unary(ECHO, b"still there", PATIENCE, HEADERS).answer() == b"still there"


@NODE
async def test_requests_and_answers_that_alternate(opened: Transport) -> None:
    """Each answer comes before the next request is sent."""
    call = opened.duplex(BOTH, PATIENCE, HEADERS)
    for number in range(20):
        await call.write(b"%d" % number)
        assert await call.read() == [b"%d" % number]
    call.cancel()
