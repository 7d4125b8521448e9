"""Write `fastapi_esdb/wire/proto` from the .proto files beside this script.

    python protos/generate.py            write what is missing or stale
    python protos/generate.py --check    write nothing; exit 1 and name the files that are stale

Each folder (`v1`, `v2`) becomes a package with a descriptor pool of its own, one module and one stub a .proto file,
the well-known files of google/protobuf among them. The modules hold a serialized descriptor and build their classes
with protobuf's public API, so they do not depend on the protoc version the way protoc's Python output does.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PROTOS = Path(__file__).resolve().parent
OUTPUT = PROTOS.parent / "fastapi_esdb" / "wire" / "proto"
FOLDERS = ("v1", "v2")
BYTES_A_LINE = 64

HEADER = """\
# Written by protos/generate.py from {source}: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
"""
PACKAGE = '''\
"""The messages of protos/{folder}, in a descriptor pool of their own that each module adds its file to."""

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
'''
MODULE = """\
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from fastapi_esdb.wire.codec.descriptors import add_file, message_class
{imports}

DESCRIPTOR = add_file(
    POOL,
    "{name}",
{data}
)
{names}
"""
IMPORT = re.compile(r"^(?:from (?P<package>\S+) )?import (?P<name>\w+)_pb2 as (?P<alias>\w+)$", re.MULTILINE)


def module_name(proto: str) -> str:
    """`streams_errors_pb2` for kurrentdb/protocol/v2/streams/errors.proto: google's files have no folder in front."""
    path = PurePosixPath(proto)
    plain = path.parts[0] == "google" or path.parent.name in ("", path.stem)
    return f"{path.stem}_pb2" if plain else f"{path.parent.name}_{path.stem}_pb2"


def protoc(folder: Path, *arguments: str) -> None:
    """Run grpcio-tools' protoc, which finds the well-known files by itself; a mistake in a file ends the script."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", *arguments]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603 (our own files, no shell)
        raise SystemExit(f"protoc could not compile the files under {folder}")


def compile_folder(folder: Path, scratch: str) -> Iterator[tuple[FileDescriptorProto, str]]:
    """The descriptor and protoc's stub of each file, imported ones first."""
    descriptors = Path(scratch, "descriptors.bin")
    own = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))
    protoc(folder, "--include_imports", f"--descriptor_set_out={descriptors}", *own)
    files = FileDescriptorSet.FromString(descriptors.read_bytes()).file
    protoc(folder, f"--pyi_out={scratch}", *(file.name for file in files))
    for file in files:
        yield file, Path(scratch, file.name.replace(".proto", "_pb2.pyi")).read_text(encoding="utf-8")


def module(file: FileDescriptorProto) -> str:
    """The Python module of one file: its serialized descriptor, its classes and its enums."""
    data = file.SerializeToString(deterministic=True)
    chunks = (data[start : start + BYTES_A_LINE] for start in range(0, len(data), BYTES_A_LINE))
    return HEADER.format(source=file.name) + MODULE.format(
        imports="\n".join(f"from . import {name}" for name in ("POOL", *map(module_name, file.dependency))),
        name=file.name,
        data="\n".join(f"    {chunk!r}" for chunk in chunks),
        names="\n".join([*messages(file), *enums(file)]),
    )


def messages(file: FileDescriptorProto) -> Iterator[str]:
    """Lines for the top level messages; those inside them are attributes of their classes."""
    for message in file.message_type:
        yield f'{message.name} = message_class(DESCRIPTOR.message_types_by_name["{message.name}"])'


def enums(file: FileDescriptorProto) -> Iterator[str]:
    """Lines for the top level enums, whose values are names of the module too."""
    for enum in file.enum_type:
        yield f'{enum.name} = EnumTypeWrapper(DESCRIPTOR.enum_types_by_name["{enum.name}"])'
        yield from (f"{value.name} = {value.number}" for value in enum.value)


def stub(file: FileDescriptorProto, text: str) -> str:
    """Protoc's stub with its imports turned to our modules, and typed where mypy's strict mode misses a type."""

    def relative(match: re.Match[str]) -> str:
        path = PurePosixPath(*(match["package"] or "").split("."), f"{match['name']}.proto")
        return f"from . import {module_name(str(path))} as {match['alias']}"

    text = IMPORT.sub(relative, text).replace("_Mapping]", "_Mapping[str, _Anything]]")
    text = text.replace("**kwargs)", "**kwargs: _Anything)")
    return HEADER.format(source=file.name) + "from typing import Any as _Anything\n" + text


def render(protos: Path) -> dict[str, str]:
    """Everything there is to write: path below the output folder to text."""
    written = {"__init__.py": HEADER.format(source="the folders v1 and v2")}
    for folder in FOLDERS:
        with tempfile.TemporaryDirectory() as scratch:
            files = {module_name(file.name): (file, text) for file, text in compile_folder(protos / folder, scratch)}
        written[f"{folder}/__init__.py"] = HEADER.format(source=folder) + PACKAGE.format(folder=folder)
        for name, (file, text) in files.items():
            written |= {f"{folder}/{name}.py": module(file), f"{folder}/{name}.pyi": stub(file, text)}
    return written


def stale(output: Path, rendered: dict[str, str]) -> list[str]:
    """Files that differ from what would be written, are missing, or should not be there."""
    paths = [path for pattern in ("*.py", "*.pyi") for path in output.rglob(pattern)]
    found = {path.relative_to(output).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return sorted(name for name in found.keys() | rendered.keys() if found.get(name) != rendered.get(name))


def write(output: Path, rendered: dict[str, str], names: Sequence[str]) -> None:
    """Bring the named files up to date; one that is not rendered any more goes."""
    for name in names:
        path = output / name
        if name not in rendered:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rendered[name], encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the generated code of fastapi_esdb from its .proto files.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    parser.add_argument("--protos", type=Path, default=PROTOS, help="the folder that holds v1 and v2")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the folder of the generated packages")
    options = parser.parse_args(arguments)
    rendered = render(options.protos)
    names = stale(options.output, rendered)
    if not options.check:
        write(options.output, rendered, names)
    for name in names:
        print(f"{'stale' if options.check else 'written'}: {options.output / name}")
    return 1 if options.check and names else 0


if __name__ == "__main__":
    sys.exit(main())
