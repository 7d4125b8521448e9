"""The rules of the source tree: who imports whom, how long a file may be, what the front door offers."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import fastapi_esdb
from tests.support.import_circles import circles, import_graph

ROOT = Path(__file__).parent.parent
GENERATED = ROOT / "fastapi_esdb" / "wire" / "proto"
MAX_LINES = 400
OURS = ("fastapi_esdb", "example_app", "tests", "benchmarks", "protos", "release")


def hand_written() -> list[Path]:
    files = (path for folder in OURS for path in (ROOT / folder).rglob("*.py"))
    return [path for path in files if GENERATED not in path.parents]


def test_no_hand_written_file_is_too_long() -> None:
    """A file that needs scrolling for ever holds more than one noun."""
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in hand_written()}
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_the_import_contracts_hold() -> None:
    """The layers import only downwards, as pyproject.toml writes down."""
    command = [Path(sys.executable).parent / "lint-imports"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_no_module_is_in_a_circle_of_imports() -> None:
    """A module can be read and understood after those that it imports, the ones for annotations among them."""
    assert [" -> ".join(circle) for circle in circles(import_graph(ROOT, "fastapi_esdb"))] == []


def test_circles_are_found_in_annotations_and_functions_too(tmp_path: Path) -> None:
    """A circle is one, wherever its imports stand, and is named once; who only imports from it is not in it."""
    texts = {
        "a.py": "if TYPE_CHECKING:\n    from house.b import B",
        "b.py": "def f() -> None:\n    from house import c",
        "c.py": "import house.a",
        "d.py": "from house.a import A",
    }
    (tmp_path / "house").mkdir()
    for name, text in texts.items():
        (tmp_path / "house" / name).write_text(text)
    assert circles(import_graph(tmp_path, "house")) == [("house.a", "house.b", "house.c")]


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stdout.split())


def test_the_embedded_server_is_not_loaded_unless_used() -> None:
    """An app that talks to a real database does not carry the embedded one."""
    loaded = loaded_after("import fastapi_esdb; fastapi_esdb.esdb_router")
    assert "fastapi_esdb.plugin.esdb" in loaded
    assert not {name for name in loaded if name.startswith("fastapi_esdb.embedded")}


def test_the_embedded_server_loads_neither_fastapi_nor_the_client() -> None:
    """The two sides share the wire and nothing else, at run time too."""
    loaded = loaded_after("import fastapi_esdb.embedded.server")
    assert not {"fastapi", "pydantic", "fastapi_esdb.errors", "fastapi_esdb.pool"} & loaded


def test_the_wire_does_without_grpc() -> None:
    """The protocol is values, messages and statuses: which transport carries them is the business of others."""
    wire = ROOT / "fastapi_esdb" / "wire"
    paths = [path.relative_to(ROOT).with_suffix("") for path in wire.rglob("*.py") if path.stem != "quiet_grpc"]
    loaded = loaded_after(f"import {', '.join('.'.join(path.parts) for path in paths)}")
    assert "fastapi_esdb.wire.status.codes" in loaded
    assert "grpc" not in loaded


def test_our_own_http_2_does_without_grpc() -> None:
    """An app whose connections go over it, to a real database, never loads grpcio."""
    loaded = loaded_after(
        "import fastapi_esdb.plugin.esdb, fastapi_esdb.compose, fastapi_esdb.connection.http2.transport"
    )
    assert {"fastapi_esdb.plugin.esdb", "fastapi_esdb.pool.pool"} <= loaded
    assert "grpc" not in loaded


def test_the_engine_of_http_2_stands_alone() -> None:
    """Frames, windows and streams are driven by bytes: without sockets, an event loop or gRPC."""
    loaded = loaded_after("import fastapi_esdb.connection.http2.connection")
    assert "hpack" in loaded
    assert not {"asyncio", "ssl", "_socket", "grpc", "google.protobuf"} & loaded


def test_the_front_door_opens_for_every_name() -> None:
    """Names are loaded when they are used, so that one without a home would be noticed by its first user only."""
    assert [name for name in fastapi_esdb.__all__ if not hasattr(fastapi_esdb, name)] == []
    assert not hasattr(fastapi_esdb, "nonsense")


def test_the_version_is_that_of_the_package() -> None:
    """`fastapi_esdb.__version__` is what pip installed, and what pyproject.toml says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert fastapi_esdb.__version__ == project["version"]


def test_filters_are_imported_from_the_front_door() -> None:
    """Docs, examples, tests and benchmarks write `from fastapi_esdb import filters`, and docstrings name it so."""
    folders = ("docs", "example_app", "tests", "benchmarks", "fastapi_esdb/api", "fastapi_esdb/plugin")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")]
    other = re.compile(r"(?<!::: )fastapi_esdb\.api(\.filters\b| import filters)|`api\.filters")
    found = {path.relative_to(ROOT) for path in files if other.search(path.read_text())}
    assert found == {Path("fastapi_esdb/api/__init__.py")}
    assert fastapi_esdb.filters.by_stream("order-").prefixes == ("order-",)
