"""The commands against the embedded server: their output in a pipe and on a terminal, and their exit statuses."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fastapi_esdb import Compatibility, NewEvent, SyncConnection, __version__
from fastapi_esdb.cli.app import app
from fastapi_esdb.consumers.dead_letters import letter_about
from fastapi_esdb.embedded import EmbeddedServer, ServerCertificate
from tests.connection.http_proxy import HttpProxy
from tests.support.certificates import Authority
from tests.support.waiting import PATIENCE

COMMAND = (sys.executable, "-m", "fastapi_esdb")


def run(*arguments: str, given: str | None = None, status: int = 0) -> tuple[list[dict[str, Any]], str]:
    """Run a command as in a pipe; return its lines and what it told besides."""
    result = CliRunner().invoke(app, arguments, input=given)
    assert result.exit_code == status, result.output
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


@pytest.fixture(autouse=True)
def _server(esdb_sync_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ESDB_CONNECTION_STRING` points to it."""
    monkeypatch.chdir(tmp_path)


def test_an_event_is_appended_and_read() -> None:
    """Its data come from the arguments or from the input; what is expected holds."""
    [first], _ = run("append", "order-1", "OrderPlaced", '{"total": 1.5}', "--expected", "no-stream")
    assert (first["stream"], first["revision"]) == ("order-1", 0)
    run("append", "order-1", "OrderPaid", "-", "--metadata", '{"by": "ada"}', given='{"b": [1, 2]}')
    events, _ = run("read", "order-1")
    assert [(event["type"], event["data"]) for event in events] == [
        ("OrderPlaced", {"total": 1.5}),
        ("OrderPaid", {"b": [1, 2]}),
    ]
    assert events[1]["metadata"] == {"by": "ada"}
    _, told = run("append", "order-1", "OrderPaid", "--expected", "0", status=1)
    assert "order-1" in told
    assert "Traceback" not in told
    [last], _ = run("read", "category:order", "--backwards", "--limit", "1")
    assert last["revision"] == 1
    assert [event["revision"] for event in run("read", "order-1", "--from", "1")[0]] == [1]
    assert [event["type"] for event in run("read", "$all", "--type", "OrderPaid")[0]] == ["OrderPaid"]
    assert [row["stream"] for row in run("streams", "--category", "order")[0]] == ["order-1"]
    assert run("stats", "es-records")[0][0]["name"] == "es-records"


WRONG = {
    "data": (("append", "s", "T", "{"), "the data must be JSON"),
    "expected": (("append", "s", "T", "--expected", "maybe"), "--expected must be a revision, any, no-stream"),
    "place": (("read", "s", "--from", "there"), "--from must be start, end, a revision, or a position"),
    "type": (("append", "s", ""), "type"),
}


@pytest.mark.parametrize(("arguments", "says"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_named(arguments: tuple[str, ...], says: str) -> None:
    """In one line, with the status 2."""
    lines, told = run(*arguments, status=2)
    assert not lines
    assert says in told


def test_a_stream_that_is_not_there() -> None:
    """One line, and the status 1."""
    _, told = run("read", "nothing", status=1)
    assert told.strip() == "fastapi-esdb: stream 'nothing' does not exist"


def test_check_tells_step_by_step_what_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of failure has a status of its own, and no password is shown."""
    steps, _ = run("check")
    assert [step["step"].split()[0] for step in steps] == ["settings", "name", "TCP", "server", "credentials", "leader"]
    assert all(step["ok"] for step in steps)
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://ada:lovelace@127.0.0.1:1?tls=false")
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 3
    assert "lovelace" not in result.output
    failed = json.loads(result.stdout.splitlines()[-1])
    assert failed == {"step": "TCP 127.0.0.1:1", "ok": False, "detail": "Connection refused", "milliseconds": None}
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb:/nonsense")
    [wrong], _ = run("check", status=2)
    assert wrong["step"] == "settings"
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://name.invalid:2113?tls=false")
    assert run("check", status=3)[0][-1]["step"] == "name name.invalid"


async def test_check_trusts_whom_connections_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's authorities, nobody else, or everybody; and a server that speaks otherwise is told as such."""
    authority = Authority(tmp_path, "ours")
    served = authority.sign("127.0.0.1")
    certificate = ServerCertificate.from_files(served.certificate, served.key)
    async with EmbeddedServer(tls=certificate) as server:
        address = f"esdb://127.0.0.1:{server.port}"
        monkeypatch.setenv("ESDB_CONNECTION_STRING", address)
        refused, _ = await asyncio.to_thread(run, "check", status=3)
        assert (refused[-1]["step"].split()[0], refused[-1]["ok"]) == ("TLS", False)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        trusted, _ = await asyncio.to_thread(run, "check")
        assert "more days" in trusted[3]["detail"]
        monkeypatch.delenv("SSL_CERT_FILE")
        monkeypatch.setenv("ESDB_CONNECTION_STRING", f"{address}?tlsVerifyCert=false")
        unchecked, _ = await asyncio.to_thread(run, "check")
        assert unchecked[3]["detail"].endswith("the certificate is not checked")
        monkeypatch.setenv("ESDB_CONNECTION_STRING", f"{address}?tls=false")
        plain, _ = await asyncio.to_thread(run, "--timeout", "1", "check", status=3)
        assert plain[-1]["step"] == "server"
        assert "tls=true" in plain[-1]["detail"]


async def test_check_goes_by_the_proxy_that_the_connection_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which looks up the name; without it, the name of this test would lead nowhere."""
    authority = Authority(tmp_path, "ours")
    served = authority.sign("db.example")
    certificate = ServerCertificate.from_files(served.certificate, served.key)
    async with EmbeddedServer(tls=certificate) as server, HttpProxy(server.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        string = f"esdb://db.example?tlsCaFile={authority.file}&useProxy=true"
        monkeypatch.setenv("ESDB_CONNECTION_STRING", string)
        steps, _ = await asyncio.to_thread(run, "check")
        names = ["settings", "TCP db.example:2113", "TLS db.example:2113", "server", "credentials", "leader"]
        assert [step["step"] for step in steps] == names
        assert steps[1]["detail"] == f"connected by way of the proxy {proxy.url.removeprefix('http://')}"
    steps, _ = await asyncio.to_thread(run, "check", status=3)
    assert steps[-1]["detail"].startswith("Connection refused; by way of the proxy ")
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    [wrong], _ = await asyncio.to_thread(run, "check", status=2)
    assert "https_proxy" in wrong["detail"]


def test_events_of_a_type_are_counted_by_themselves(esdb_sync_connection: SyncConnection) -> None:
    """The limit is one of what is shown, and not of what is looked at."""
    esdb_sync_connection.append("order-1", [NewEvent("Seen", {}) for _ in range(30)])
    esdb_sync_connection.append("order-1", [NewEvent("OrderPaid", {}), NewEvent("OrderPaidBack", {})])
    for source in ("order-1", "category:order", "$all"):
        assert [event["revision"] for event in run("read", source, "--type", "OrderPaid")[0]] == [30]
    assert len(run("read", "order-1", "--type", "Seen", "--limit", "3")[0]) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("import", "none.jsonl"), "fastapi-esdb: none.jsonl: No such file or directory"),
        (("export", "s", "none/s.jsonl"), "fastapi-esdb: none/s.jsonl: No such file or directory"),
    ],
)
def test_a_file_that_is_not_there_is_named(arguments: tuple[str, ...], says: str) -> None:
    """In one line."""
    assert run(*arguments, status=1)[1].strip() == says


def test_all_commands_go_by_one_name() -> None:
    """In their help and in their errors, also those that are programs of their own; `--version` tells the package's."""
    assert CliRunner().invoke(app, ["--version"]).output == f"fastapi-esdb {__version__}\n"
    for name in ("serve", "schemas"):
        assert help_of(name).startswith(f"usage: python -m fastapi_esdb {name} ")
    assert "..." not in help_of().partition("Commands:")[2], "each fits its line"


def help_of(*command: str) -> str:
    arguments = [*COMMAND, *command, "--help"]
    environment = {**os.environ, "COLUMNS": "80"}
    shown = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return shown.stdout


def test_everything_is_exported_and_imported(
    esdb_sync_connection: SyncConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Byte by byte with the same ids; both go on where they were interrupted, and do nothing twice."""
    data = [b'{"a":1.50}', b"\x00\xff", b'{ "spaced": true }', '{"ä":"ö"}'.encode(), b'{"a":1}']
    esdb_sync_connection.append("s-1", [NewEvent("T", each, {"n": 1}) for each in data])
    esdb_sync_connection.append("s-2", NewEvent("T", {}))
    file = tmp_path / "all.jsonl"
    assert "6 events written" in run("export", "$all", str(file))[1]
    file.write_text(file.read_text() + '{"stream": "broken')
    esdb_sync_connection.append("s-2", NewEvent("U", {}))
    assert "1 events written" in run("export", "$all", str(file))[1]
    monkeypatch.setenv("ESDB_CONNECTION_STRING", f"esdb+embedded:///{tmp_path}/other.db")
    parts = file.read_text().splitlines(keepends=True)
    (tmp_path / "part.jsonl").write_text("".join(parts[:4]))
    assert "4 events appended, 0 were there" in run("import", str(tmp_path / "part.jsonl"))[1]
    assert "3 events appended, 4 were there" in run("import", str(file))[1]
    assert "0 events appended, 7 were there" in run("import", str(file))[1]
    again = tmp_path / "again.jsonl"
    run("export", "$all", str(again))
    kept = ("stream", "revision", "id", "type", "data", "metadata", "content_type")
    first, second = ([json.loads(line) for line in each.read_text().splitlines()] for each in (file, again))
    assert [[event[name] for name in kept] for event in first] == [[event[name] for name in kept] for event in second]
    run("append", "s-1", "Foreign")
    assert "stream 's-1' has events that are not in" in run("import", str(file), status=2)[1]
    file.write_text("{}\n")
    assert "line 1: is no event of an export" in run("import", str(file), status=2)[1]


def test_consumers_are_listed(esdb_sync_connection: SyncConnection) -> None:
    """With how far they are, and what they have parked."""
    entry = {"place": "C:1/P:1", "holder": "host:1:x", "released": False, "paused": True, "round": 0}
    esdb_sync_connection.append("esdb_checkpoint-mailer", NewEvent("$ConsumerCheckpoint", entry))
    esdb_sync_connection.append("s", NewEvent("T", {}))
    [event] = esdb_sync_connection.read("s", limit=1)
    esdb_sync_connection.append("esdb_dead_letters-mailer", letter_about(event, ValueError("no address"), 3))
    [row], _ = run("consumers")
    assert (row["consumer"], row["state"], row["place"], row["dead_letters"]) == ("mailer", "paused", "C:1/P:1", 1)
    [letter], _ = run("dead-letters", "mailer")
    assert (letter["stream"], letter["message"], letter["attempts"]) == ("s", "no address", 3)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    leader, follower = pty.openpty()
    yield leader, follower
    for each in (leader, follower):
        os.close(each)


def test_people_get_tables_and_ctrl_c_is_quiet(esdb_sync_connection: SyncConnection, terminal: tuple[int, int]) -> None:
    """On a terminal the output is for reading, without control characters from events; Ctrl-C leaves no traceback."""
    esdb_sync_connection.append("s", NewEvent("Has\x1b[31m", {"text": "a\x9bb"}))
    leader, follower = terminal
    process = subprocess.Popen([*COMMAND, "tail", "s", "--after", "start"], stdout=follower, stderr=subprocess.PIPE)
    shown = b""
    while b"text" not in shown:
        shown += os.read(leader, 1000)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in told
    assert b"\x1b[31m" not in shown
    assert "\x9b".encode() not in shown
    assert b"0@s" in shown


TYPES = """
from pydantic import BaseModel
from fastapi_esdb import EventTypes
events = EventTypes()
@events("OrderPlaced")
class Placed(BaseModel):
    order_id: {}
"""


def test_event_types_are_registered(
    esdb_sync_connection: SyncConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The types of a module in the working directory; what is not compatible is told and not registered."""
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    for name, kind in (("first_types", "str"), ("other_types", "int")):
        (tmp_path / f"{name}.py").write_text(TYPES.format(kind))
    assert run("register", "first_types:events", "--check") == ([], "")
    assert esdb_sync_connection.schemas.list() == ()
    [row], _ = run("register", "first_types:events", "--compatibility", "full-all")
    assert row == {"type": "OrderPlaced", "version_id": esdb_sync_connection.schemas.version("OrderPlaced").id}
    assert esdb_sync_connection.schemas.get("OrderPlaced").compatibility is Compatibility.FULL_ALL
    assert run("register", "first_types:events") == ([row], "")
    for arguments in (["other_types:events"], ["other_types:events", "--check"]):
        rows, told = run("register", *arguments, status=1)
        assert (rows, told) == (
            [],
            "fastapi-esdb: OrderPlaced: #/order_id: Property has incompatible type change: was String, is Integer\n",
        )
    assert len(esdb_sync_connection.schemas.versions("OrderPlaced")) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("no_such_module:events",), "no_such_module"),
        (("json:loads",), "no EventTypes"),
        ((":",), "fastapi-esdb: "),
        (("json:loads", "--compatibility", "some"), "backward, forward, full"),
    ],
)
def test_types_that_can_not_be_registered(arguments: tuple[str, ...], says: str) -> None:
    """Wrong arguments are told in a line."""
    _, told = run("register", *arguments, status=2)
    assert says in told
    assert len(told.splitlines()) == 1


def test_who_has_read_enough_ends_it_quietly(esdb_sync_connection: SyncConnection) -> None:
    """As with `fastapi-esdb read … | head -1`."""
    esdb_sync_connection.append("s", [NewEvent("T", {"text": "x" * 1000}) for _ in range(500)])
    command = [*COMMAND, "read", "s", "--limit", "500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0


def test_without_the_extra_it_says_what_to_install() -> None:
    """In one line."""
    script = "import sys; sys.modules['typer'] = None; from fastapi_esdb.__main__ import main; sys.exit(main())"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert found.returncode == 2
    assert 'pip install "fastapi-esdb[cli]"' in found.stderr
