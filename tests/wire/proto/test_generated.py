"""The generated code is what the .proto files give, and speaks the protocol."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.message import Message

from fastapi_esdb.wire import proto
from fastapi_esdb.wire.proto.v1 import shared_pb2, streams_pb2, timestamp_pb2
from fastapi_esdb.wire.proto.v2 import rpc_errors_pb2, struct_pb2
from fastapi_esdb.wire.proto.v2 import streams_pb2 as v2_streams_pb2

PROTOS = Path(__file__).parents[3] / "protos"
GENERATED = Path(proto.__path__[0])
MODULES = sorted(path.relative_to(GENERATED).with_suffix("") for path in GENERATED.glob("*/*_pb2.py"))

GOLDEN: list[tuple[Message, str]] = [
    (
        streams_pb2.AppendReq(
            options=streams_pb2.AppendReq.Options(
                stream_identifier=shared_pb2.StreamIdentifier(stream_name=b"order"), no_stream=shared_pb2.Empty()
            )
        ),
        "0a0b 0a07 1a056f72646572 1a00",
    ),
    (shared_pb2.UUID(structured=shared_pb2.UUID.Structured(least_significant_bits=1)), "0a02 1001"),
    (
        streams_pb2.ReadResp(
            caught_up=streams_pb2.ReadResp.CaughtUp(timestamp=timestamp_pb2.Timestamp(seconds=5), stream_revision=0)
        ),
        "4206 0a020805 1000",
    ),
    (v2_streams_pb2.AppendRequest(stream="order", expected_revision=-1), "0a056f72646572 1801"),
    (v2_streams_pb2.AppendRequest(expected_revision=0), "1800"),
    (
        v2_streams_pb2.AppendRecord(properties={"k": struct_pb2.Value(bool_value=True)}),
        "1207 0a016b 12022001",
    ),
    (rpc_errors_pb2.NotLeaderNodeErrorDetails.NodeInfo(host="n", port=2113), "0a016e 10c110"),
]


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the generator as `make proto` does."""
    command = [sys.executable, PROTOS / "generate.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def with_a_new_field(folder: Path) -> Path:
    """A copy of the .proto files in which shared.proto has one field more."""
    shutil.copytree(PROTOS, folder)
    shared = folder / "v1" / "shared.proto"
    text = shared.read_text(encoding="utf-8")
    shared.write_text(
        text.replace("bytes stream_name = 3;", "bytes stream_name = 3; string more = 4;"), encoding="utf-8"
    )
    return folder


def test_committed_code_is_up_to_date() -> None:
    """`generate.py --check` finds nothing to write."""
    result = generate("--check")
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_check_names_what_a_changed_proto_file_makes_stale(tmp_path: Path) -> None:
    """A new field makes the module and the stub of its file stale, and no other."""
    result = generate("--check", "--protos", with_a_new_field(tmp_path / "protos"))
    assert result.returncode == 1
    assert [Path(line).name for line in result.stdout.splitlines()] == ["shared_pb2.py", "shared_pb2.pyi"]


def test_missing_and_left_over_files_are_stale_until_written(tmp_path: Path) -> None:
    """A file that is missing comes back, one that no .proto file gives goes, and then the check is content."""
    output = tmp_path / "proto"
    shutil.copytree(GENERATED, output, ignore=shutil.ignore_patterns("__pycache__"))
    (output / "v2" / "struct_pb2.py").unlink()
    (output / "v1" / "gone_pb2.pyi").touch()
    checked, written = generate("--check", "--output", output), generate("--output", output)
    assert checked.stdout == written.stdout.replace("written", "stale")
    assert checked.stdout.splitlines() == [
        f"stale: {output / name}" for name in ("v1/gone_pb2.pyi", "v2/struct_pb2.py")
    ]
    assert (checked.returncode, written.returncode) == (1, 0)
    assert generate("--check", "--output", output).returncode == 0


def test_a_mistake_in_a_proto_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    """The generator ends with protoc's message and the folder, and leaves the output alone."""
    protos = with_a_new_field(tmp_path / "protos")
    (protos / "v2" / "broken.proto").write_text('syntax = "proto3"; message {', encoding="utf-8")
    result = generate("--protos", protos, "--output", tmp_path / "proto")
    assert result.returncode == 1
    assert "broken.proto" in result.stderr
    assert f"could not compile the files under {protos / 'v2'}" in result.stderr
    assert not (tmp_path / "proto").exists()


def assert_nested_classes_are_reachable(cls: type[Message]) -> None:
    """Each message inside another is an attribute of the class around it, at any depth."""
    for descriptor in cls.DESCRIPTOR.nested_types:
        nested: type[Message] = getattr(cls, descriptor.name)
        assert nested.DESCRIPTOR is descriptor
        assert_nested_classes_are_reachable(nested)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_all_messages_and_enums_and_a_stub(module: Path) -> None:
    """Each file's messages, with those inside them, and enums are names of its module."""
    generated = import_module(f"{proto.__name__}.{'.'.join(module.parts)}")
    for name, descriptor in generated.DESCRIPTOR.message_types_by_name.items():
        assert getattr(generated, name).DESCRIPTOR is descriptor
        assert_nested_classes_are_reachable(getattr(generated, name))
    for name, enum in generated.DESCRIPTOR.enum_types_by_name.items():
        assert getattr(generated, name).items() == [(value.name, value.number) for value in enum.values]
        assert all(getattr(generated, value.name) == value.number for value in enum.values)
    assert (GENERATED / f"{module}.pyi").is_file()


@pytest.mark.parametrize(("message", "octets"), GOLDEN, ids=lambda value: value if isinstance(value, str) else "")
def test_messages_have_the_bytes_of_the_protocol(message: Message, octets: str) -> None:
    """Field numbers, types and presence show in the bytes, and the bytes give the message back."""
    assert message.SerializeToString(deterministic=True).hex() == octets.replace(" ", "")
    assert type(message).FromString(bytes.fromhex(octets)) == message


def test_presence_follows_the_files() -> None:
    """`optional` fields and every field of edition 2023 tell 0 from absent; plain proto3 fields do not."""
    assert streams_pb2.ReadResp.CaughtUp(stream_revision=0).HasField("stream_revision")
    assert v2_streams_pb2.AppendResponse(position=0).HasField("position")
    assert not v2_streams_pb2.AppendResponse().HasField("position")
    with pytest.raises(ValueError, match="does not have presence"):
        shared_pb2.AllStreamPosition().HasField("commit_position")
