"""The page about production shows what works: its manifests start an app, its table is what handlers answer."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

import fastapi_esdb
from fastapi_esdb import EsdbSettings, errors
from fastapi_esdb.embedded import EmbeddedServer, ServerCertificate
from fastapi_esdb.plugin.handlers import problem_of
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.hosts import Host
from tests.docs.conftest import DOCS
from tests.support.certificates import Authority
from tests.support.processes import Running, free_port, python

PAGE = (DOCS / "how-to" / "production.md").read_text()
SETTINGS = {f"ESDB_{name.upper()}" for name in EsdbSettings.model_fields}
APP = """
from fastapi import FastAPI
from fastapi_esdb import esdb_router

app = FastAPI()
app.include_router(esdb_router)
"""

Values = dict[str, Any]


BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def manifests() -> dict[str, Values]:
    """Those of the app, by their kind."""
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(BLOCKS[0])}


@pytest.fixture
def pod() -> Values:
    found: Values = manifests()["Deployment"]["spec"]["template"]
    return found


@pytest.fixture
def container(pod: Values) -> Values:
    [found] = pod["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(container: Values) -> dict[str, str]:
    """Return the container's environment, the secret's values included."""
    [source] = container["envFrom"]
    secret = manifests()["Secret"]
    assert source["secretRef"]["name"] == secret["metadata"]["name"]
    return {**secret["stringData"], **{pair["name"]: pair["value"] for pair in container["env"]}}


def seconds_to_stop(command: list[str]) -> int:
    return int(command[command.index("--timeout-graceful-shutdown") + 1])


def test_the_parts_belong_together(pod: Values, container: Values) -> None:
    """Labels, names of ports and volumes, and the time that a stop may take."""
    deployment, service = manifests()["Deployment"]["spec"], manifests()["Service"]["spec"]
    assert deployment["selector"]["matchLabels"] == pod["metadata"]["labels"] == service["selector"]
    [port] = container["ports"]
    assert {probe["httpGet"]["port"] for probe in probes(container).values()} == {port["name"]}
    assert service["ports"][0]["targetPort"] == port["name"]
    assert str(port["containerPort"]) in container["command"]
    assert [mount["name"] for mount in container["volumeMounts"]] == [v["name"] for v in pod["spec"]["volumes"]]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    stop = seconds_to_stop(container["command"])
    assert float(environment(container)["ESDB_DEADLINE"]) <= stop
    assert pause + stop < pod["spec"]["terminationGracePeriodSeconds"]


def probes(container: Values) -> dict[str, Values]:
    return {name: value for name, value in container.items() if name.endswith("Probe")}


def test_the_environment_is_one_that_settings_are_made_from(container: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    """All names are settings, all values are taken, and the file is in a folder that is mounted."""
    given = environment(container)
    assert set(given) <= SETTINGS
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = EsdbSettings()
    assert settings.target.discover
    assert settings.target.credentials
    assert settings.wait < settings.target.options.default_deadline / 1000
    folders = [Path(mount["mountPath"]) for mount in container["volumeMounts"]]
    assert settings.target.options.tls_ca_file
    assert settings.target.options.tls_ca_file.parent in folders


def test_the_database_is_the_one_that_the_app_names() -> None:
    """The service is headless, and its name and port are those of the connection string."""
    service = yaml.safe_load(BLOCKS[1])
    name, (port,) = service["metadata"], service["spec"]["ports"]
    assert service["spec"]["clusterIP"] == "None"
    [host] = ConnectionString.parse(manifests()["Secret"]["stringData"]["ESDB_CONNECTION_STRING"]).hosts
    assert host == Host(f"{name['name']}.{name['namespace']}.svc.cluster.local", port["port"])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """One with TLS and users, whose authority is where the manifest mounts it, below a folder of the test."""
    authority = Authority(tmp_path, "ca")
    (tmp_path / "ca.crt").write_bytes(authority.file.read_bytes())
    signed = authority.sign("localhost")
    tls = ServerCertificate.from_files(signed.certificate, signed.key)
    async with EmbeddedServer(tls=tls, secure=True) as server:
        yield server


@pytest.fixture
async def started(
    container: Values, server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[tuple[Running, httpx2.AsyncClient]]:
    """The container's command with its environment, on another port and with a database of ours."""
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    here = {"0.0.0.0": "127.0.0.1", str(container["ports"][0]["containerPort"]): str(port)}
    command = [here.get(word, word) for word in container["command"]]
    own = {
        "ESDB_CONNECTION_STRING": f"esdb://localhost:{server.port}",
        "ESDB_TLS_CA_FILE": str(tmp_path / "ca.crt"),
        "ESDB_USERNAME": "admin",
        "ESDB_PASSWORD": "changeit",
    }
    env = {**environment(container), **own}
    async with (
        python("-m", *command, "--app-dir", str(tmp_path), directory=tmp_path, env=env) as process,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        await process.until("Uvicorn running")
        yield process, client


async def test_the_manifest_starts_an_app(container: Values, started: tuple[Running, httpx2.AsyncClient]) -> None:
    """All probes are answered with 200, so it is connected; SIGTERM ends it well."""
    process, client = started
    for name, probe in probes(container).items():
        path = probe["httpGet"]["path"]
        assert (await client.get(path)).status_code == 200, name
    await process.ended(signal.SIGTERM)
    assert "Application shutdown complete" in process.printed


def rows() -> Mapping[str, str]:
    """Return what each fault raises and answers, as the page has it."""
    table = PAGE.partition("| Fault |")[2].partition("\n\n")[0]
    return {cells[1].strip(): cells[2] for line in table.splitlines()[2:] if len(cells := line.split("|")) > 3}


PAIRS = [(name, int(status)) for row in rows().values() for name, status in re.findall(r"`(\w+)` → (\d+)", row)]


@pytest.mark.parametrize(("name", "status"), sorted(set(PAIRS)))
def test_the_table_says_what_handlers_answer(name: str, status: int) -> None:
    """Each error that it names exists, and is answered so; `tests/faults/test_endpoints.py` shows when it is raised."""
    error = getattr(errors, name)
    assert issubclass(error, fastapi_esdb.EsdbError)
    assert problem_of(error.__new__(error)).status == status


def test_the_table_is_read() -> None:
    """All of it, so that the tests above have something to look at."""
    assert len(rows()) == 16
    assert len(set(PAIRS)) == 16
