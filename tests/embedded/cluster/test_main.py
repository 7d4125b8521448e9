"""`python -m fastapi_esdb.embedded --nodes 3`: a cluster as a process with three others, and TLS on demand."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from urllib.parse import unquote

import grpc
import psutil
import pytest

from fastapi_esdb.embedded import EmbeddedCluster, EmbeddedServer
from fastapi_esdb.embedded.errors import NodeFailed
from fastapi_esdb.wire.admin.cluster import GOSSIP, NodeState
from tests.support.bare_client import connected
from tests.support.processes import Running, free_ports, python
from tests.support.waiting import until

MODULE = ("-m", "fastapi_esdb.embedded", "--log-level", "error")


async def gone(processes: list[psutil.Process]) -> None:
    await until(lambda: not any(map(lives, processes)))


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


async def started(process: Running) -> tuple[str, list[psutil.Process]]:
    """What it prints when it is ready, and the processes of its nodes."""
    line = await process.line()
    return line, psutil.Process(process.process.pid).children()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_a_cluster_that_is_told_to_stop(number: signal.Signals) -> None:
    """It prints the addresses of all nodes when one of them leads, and takes them with it however it ends."""
    first = free_ports(3)
    async with python(*MODULE, "--nodes", "3", "--port", str(first)) as process:
        line, nodes = await started(process)
        assert line == f"esdb://127.0.0.1:{first},127.0.0.1:{first + 1},127.0.0.1:{first + 2}?tls=false"
        assert len(nodes) == 3
        async with connected(f"127.0.0.1:{first}") as client:
            [info] = await client.call(GOSSIP, None)
            assert NodeState.LEADER in {member.state for member in info.members}
        [directory] = {json.loads(node.cmdline()[-1])["directory"] for node in nodes}
        status = await process.ended(number)
        await gone(nodes)
        assert not is_there(Path(directory))
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert process.printed == f"{line}\n"


async def failure(*arguments: str) -> str:
    async with python(*MODULE, *arguments) as process:
        assert await process.ended() == 2
        return process.printed


async def test_a_port_in_use() -> None:
    """One line says which node could not start, and why."""
    async with EmbeddedServer() as server:
        said = await failure("--nodes", "3", "--port", str(server.port))
    *_, last = said.splitlines()
    assert last.startswith("fastapi_esdb.embedded: node 0 of the cluster could not start: cannot listen on 127.0.0.1")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--nodes", "0"), "nodes is 0"),
        (("--nodes", "10"), "nodes is 10"),
        (("--nodes", "3", "--data", "events.db"), "--data or --nodes"),
        (("--nodes", "3", "--port", "65535"), "port 65536"),
        (("--nodes", "3", "--host", "0.0.0.0"), "--allow-remote"),
        (("--tls", "--tls-key", "key.pem"), "--tls-cert"),
    ],
)
async def test_what_can_not_be(arguments: tuple[str, ...], reason: str) -> None:
    """What it is told wrongly is one line that names it."""
    said = await failure(*arguments)
    assert said.count("\n") == 1
    assert reason in said


def trusting(authority: Path) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(authority.read_bytes())


def is_there(path: Path) -> bool:
    return path.exists()


async def test_tls_on_demand() -> None:
    """It makes a certificate, and tells where the authority that clients have to trust is, as long as it runs."""
    async with python(*MODULE, "--port", "0", "--tls") as process:
        address, _, options = (await process.line()).removeprefix("esdb://").partition("?tls=true&tlsCaFile=")
        authority = Path(unquote(options))
        host, _, port = address.partition(":")
        assert host == "127.0.0.1"
        for reached_at in (address, f"localhost:{port}"):
            async with connected(reached_at, trusting(authority)) as client:
                assert await client.call(GOSSIP, None)
        assert await process.ended(signal.SIGTERM) == 0
    assert not is_there(authority)


async def test_tls_without_the_package_for_it(tmp_path: Path) -> None:
    """What is missing is named, and what to do instead."""
    (tmp_path / "cryptography.py").write_text("raise ModuleNotFoundError('no cryptography here')")
    async with python(
        *MODULE, "--port", "0", "--tls", env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[3]}"}
    ) as process:
        assert await process.ended() == 2
    assert "pip install 'fastapi-esdb[tls]'" in process.printed
    assert process.printed.count("\n") == 1


async def test_a_node_that_breaks_down() -> None:
    """A process that ends with a status of its own is named, once; the cluster can be stopped and started again."""
    cluster = EmbeddedCluster(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONHASHSEED", "no number")
        with pytest.raises(
            NodeFailed, match="node 0 of the cluster could not start: its process ended with the status 1"
        ):
            await cluster.start()
    async with cluster:
        assert cluster.leader is cluster.nodes[0]
    assert not cluster.nodes[0].is_running
