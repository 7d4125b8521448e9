"""What importing takes, in fresh processes whose modules are compiled already."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.costs.cost import Cost
from fastapi_esdb.settings.choices import TransportKind

IMPORT_LIMIT = 150.0
"""Milliseconds on top of fastapi and grpc."""

GRPC_LIMIT = -100.0
"""Milliseconds that importing over http2 takes less than over grpcio, at least."""

ALL = "from fastapi_esdb import EsdbConnection, NewEvent, esdb_router, add_error_handlers"
"""What an app imports."""

TRANSPORTS = {
    kind: f"import fastapi_esdb.pool.pool, fastapi_esdb.connection.{kind}.transport" for kind in TransportKind
}
"""What is loaded when an app connects."""

UNUSED = ("fastapi_esdb.embedded", "uvicorn", "sqlite3", "pytest", "kurrentdbclient")
"""What no import of an app should load."""

OVER_HTTP2 = f"{ALL}; {TRANSPORTS[TransportKind.HTTP2]}"


def import_costs(rounds: int) -> list[Cost]:
    """CPU times: on a busy machine an import waits for others."""
    cpu_of("import fastapi, grpc", ALL)  # compiles what was changed
    base = [cpu_of("pass", "import fastapi, grpc") for _ in range(rounds)]
    ours = [cpu_of("import fastapi, grpc", ALL) for _ in range(rounds)]
    connected = {
        kind: [cpu_of("import fastapi", f"{ALL}; {TRANSPORTS[kind]}") for _ in range(rounds)] for kind in TRANSPORTS
    }
    grpcio, http2 = connected[TransportKind.GRPCIO], connected[TransportKind.HTTP2]
    less = [of_http2 - of_grpcio for of_grpcio, of_http2 in zip(grpcio, http2, strict=True)]
    return [
        Cost.of("importing fastapi and grpc", "ms", base),
        *[
            Cost.of(f"importing fastapi_esdb and its {kind} on top of fastapi", "ms", took)
            for kind, took in connected.items()
        ],
        Cost.of("importing fastapi_esdb on top", "ms", ours, IMPORT_LIMIT),
        Cost.of("the one with http2, beside the one with grpcio", "ms", less, GRPC_LIMIT),
        Cost.of("modules that this loads needlessly", "", [float(len(loaded(ALL, UNUSED)))], 1.0),
        Cost.of("modules of grpc that are loaded over http2", "", [float(len(loaded(OVER_HTTP2, ("grpc",))))], 1.0),
    ]


def cpu_of(before: str, statement: str) -> float:
    """Milliseconds of CPU that the statement takes behind the other one."""
    measured = f"{before}; import time; began = time.process_time(); {statement}; print(time.process_time() - began)"
    return 1e3 * float(printed(measured))


def loaded(statement: str, names: tuple[str, ...]) -> list[str]:
    """The modules that the statement loads and that begin so."""
    found = printed(f"{statement}; import sys; print(*sys.modules)").split()
    return [name for name in found if name.startswith(names)]


def printed(code: str) -> str:
    """What a fresh process prints. It may keep what it compiles, whatever the environment says."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
