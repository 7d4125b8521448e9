from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.methods import (
    CREATE_GROUP,
    DELETE_GROUP,
    GROUP_INFO,
    LIST_GROUPS,
    REPLAY_PARKED,
    RESTART_GROUPS,
    TRUNCATE_PARKED,
    UPDATE_GROUP,
)
from fastapi_esdb.wire.groups.values import (
    ConsumerStrategy,
    CreateGroup,
    GroupName,
    GroupSettings,
    ListGroups,
    ReplayParked,
    TruncateParked,
    UpdateGroup,
)
from fastapi_esdb.wire.method import Codec, Method
from fastapi_esdb.wire.positions import END, START, Edge, Position
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb
from fastapi_esdb.wire.streams.requests import encode_read
from fastapi_esdb.wire.streams.values import ALL, ReadRequest
from tests.wire.comparing import Golden, check

ODD = GroupSettings(
    resolve_links=True,
    extra_statistics=True,
    message_timeout_ms=1,
    max_retry_count=2,
    checkpoint_after_ms=3,
    min_checkpoint_count=4,
    max_checkpoint_count=5,
    max_subscriber_count=6,
    live_buffer_size=7,
    read_batch_size=8,
    history_buffer_size=9,
    strategy=ConsumerStrategy.PINNED,
)
"""Settings that all differ from each other and from the defaults."""

ZERO = GroupSettings(False, False, 0, 0, 0, 0, 0, 0, 0, 0, 0, "DispatchToSingle")
"""What a client asks for that sends no settings."""

BY_TYPE = EventFilter(prefixes=("Order", "Bill"))
BY_STREAM = EventFilter(by_stream=True, regex="^a", window=None, checkpoint_interval=2)

GOLDEN: list[Golden] = [
    (
        CREATE_GROUP.request,
        CreateGroup("s", "g"),
        (
            b"\n3\x12\x01g\x1a%(\n8\n@\xe8\x07P\xf4\x03X\x14`\xf4\x03h\x01p\xb0\xea\x01x\xd0\x0f\x82\x01\nR"
            b'oundRobin"\x07\n\x03\x1a\x01s\x1a\x00'
        ),
    ),
    (
        CREATE_GROUP.request,
        CreateGroup("s", "g", ODD, start=5),
        (
            b"\n/\x12\x01g\x1a!\x08\x01\x18\x01(\x028\x04@\x05H\x06P\x07X\x08`\th\x02p\x01x\x03\x82\x01\x06"
            b'Pinned"\x07\n\x03\x1a\x01s\x10\x05'
        ),
    ),
    (
        CREATE_GROUP.request,
        CreateGroup("s", "g", start=END),
        (
            b"\n3\x12\x01g\x1a%(\n8\n@\xe8\x07P\xf4\x03X\x14`\xf4\x03h\x01p\xb0\xea\x01x\xd0\x0f\x82\x01\nR"
            b'oundRobin"\x07\n\x03\x1a\x01s"\x00'
        ),
    ),
    (
        CREATE_GROUP.request,
        CreateGroup(None, "g", start=Position(7, 6)),
        (
            b"\n4\x12\x01g\x1a%(\n8\n@\xe8\x07P\xf4\x03X\x14`\xf4\x03h\x01p\xb0\xea\x01x\xd0\x0f\x82\x01\nR"
            b"oundRobin*\x08\n\x04\x08\x07\x10\x06*\x00"
        ),
    ),
    (
        CREATE_GROUP.request,
        CreateGroup(None, "g", start=END, filter=BY_TYPE),
        (
            b"\nC\x12\x01g\x1a%(\n8\n@\xe8\x07P\xf4\x03X\x14`\xf4\x03h\x01p\xb0\xea\x01x\xd0\x0f\x82\x01\nR"
            b'oundRobin*\x17\x1a\x00"\x13\x12\r\x12\x05Order\x12\x04Bill\x18 (\x01'
        ),
    ),
    (
        CREATE_GROUP.request,
        CreateGroup(None, "g", filter=BY_STREAM),
        (
            b"\n:\x12\x01g\x1a%(\n8\n@\xe8\x07P\xf4\x03X\x14`\xf4\x03h\x01p\xb0\xea\x01x\xd0\x0f\x82\x01\nR"
            b'oundRobin*\x0e\x12\x00"\n\n\x04\n\x02^a"\x00(\x02'
        ),
    ),
    (
        UPDATE_GROUP.request,
        UpdateGroup("s", "g"),
        (
            b'\n&\x12\x01g\x1a\x18(\n8\n@\xe8\x07P\xf4\x03X\x14`\xf4\x03h\x01p\xb0\xea\x01x\xd0\x0f"\x07\n'
            b"\x03\x1a\x01s\x1a\x00"
        ),
    ),
    (
        UPDATE_GROUP.request,
        UpdateGroup(None, "g", ODD, start=Position(7, 6)),
        (
            b"\n%\x12\x01g\x1a\x18\x08\x01\x18\x01(\x028\x04@\x05H\x06P\x07X\x08`\th\x02p\x01x\x03*\x06\n"
            b"\x04\x08\x07\x10\x06"
        ),
    ),
    (DELETE_GROUP.request, GroupName("s", "g"), b"\n\x08\n\x03\x1a\x01s\x12\x01g"),
    (DELETE_GROUP.request, GroupName(None, "g"), b"\n\x05\x12\x01g\x1a\x00"),
    (GROUP_INFO.request, GroupName("s", "g"), b"\n\x08\n\x03\x1a\x01s\x1a\x01g"),
    (GROUP_INFO.request, GroupName(None, "g"), b"\n\x05\x12\x00\x1a\x01g"),
    (LIST_GROUPS.request, ListGroups(), b"\n\x02\n\x00"),
    (LIST_GROUPS.request, ListGroups("s"), b"\n\x07\x12\x05\n\x03\x1a\x01s"),
    (LIST_GROUPS.request, ListGroups(ALL), b"\n\x04\x12\x02\x12\x00"),
    (REPLAY_PARKED.request, ReplayParked("s", "g"), b"\n\n\n\x01g\x12\x03\x1a\x01s*\x00"),
    (REPLAY_PARKED.request, ReplayParked(None, "g", stop_at=0), b"\n\x07\n\x01g\x1a\x00 \x00"),
    (TRUNCATE_PARKED.request, TruncateParked("s", "g"), b"\n\n\n\x01g\x12\x03\x1a\x01s*\x00"),
    (TRUNCATE_PARKED.request, TruncateParked(None, "g", stop_at=0), b"\n\x07\n\x01g\x1a\x00 \x00"),
    (RESTART_GROUPS.request, None, b""),
    *((method.response, None, b"") for method in (CREATE_GROUP, UPDATE_GROUP, DELETE_GROUP, REPLAY_PARKED)),
    (RESTART_GROUPS.response, None, b""),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each request and each empty answer is these bytes, and these bytes are it."""
    check(codec, value, data)


def test_a_filtered_group_leaves_other_requests_as_they_are() -> None:
    """What is encoded once and used by all requests is not changed by one."""
    CREATE_GROUP.request.encode(CreateGroup(None, "g", start=START, filter=EventFilter(prefixes=("a",))))
    encode_read(ReadRequest(None, start=START))


def test_every_setting_is_sent() -> None:
    """Servers have no defaults: each setting arrives as it was given, whatever it is."""
    for name in (field.name for field in fields(GroupSettings)):
        changed = replace(GroupSettings(), **{name: getattr(ODD, name)})
        create, update = CreateGroup("s", "g", changed), UpdateGroup("s", "g", changed)
        assert CREATE_GROUP.request.decode(CREATE_GROUP.request.encode(create)) == create
        assert UPDATE_GROUP.request.decode(UPDATE_GROUP.request.encode(update)) == update


@pytest.mark.parametrize("strategy", [*ConsumerStrategy, "OneOfTheServersOwn"])
def test_every_strategy_can_be_created(strategy: str) -> None:
    """A group is created with a strategy by its name, also with one that we do not know."""
    create = CreateGroup("s", "g", GroupSettings(strategy=strategy))
    message = CREATE_GROUP.request.encode(create)
    assert message.options.settings.consumer_strategy == strategy
    assert CREATE_GROUP.request.decode(message) == create


@pytest.mark.parametrize("strategy", ["DispatchToSingle", "RoundRobin", "Pinned"])
def test_old_servers_get_the_number_of_a_strategy(strategy: str) -> None:
    """Beside the name goes the number, the only thing that servers before 21.10.1 look at."""
    settings = CREATE_GROUP.request.encode(CreateGroup("s", "g", GroupSettings(strategy=strategy))).options.settings
    assert settings.named_consumer_strategy == pb.CreateReq.ConsumerStrategy.Value(strategy)


def test_an_update_cannot_say_every_strategy() -> None:
    """There is no number for PinnedByCorrelation, so an update with it is refused before it is sent."""
    settings = GroupSettings(strategy=ConsumerStrategy.PINNED_BY_CORRELATION)
    with pytest.raises(InvalidArgument, match="PinnedByCorrelation cannot be set by an update: it can be Dispatch"):
        UPDATE_GROUP.request.encode(UpdateGroup("s", "g", settings))


def test_times_in_ticks() -> None:
    """Clients may give times in ticks of 100 ns, which are cut to milliseconds."""
    message = CREATE_GROUP.request.encode(CreateGroup("s", "g"))
    message.options.settings.message_timeout_ticks = 25_009_999
    message.options.settings.checkpoint_after_ticks = 10_000
    settings = CREATE_GROUP.request.decode(message).settings
    assert (settings.message_timeout_ms, settings.checkpoint_after_ms) == (2_500, 1)


@pytest.mark.parametrize(("revision", "start"), [(0, 0), (3, 3), (2**64 - 1, END)])
def test_requests_of_old_clients(revision: int, start: int | Edge) -> None:
    """Before 21.6 stream and start had other places, and strategies only numbers; a zero means zero."""
    old = pb.CreateReq(
        options={"stream_identifier": {"stream_name": b"s"}, "group_name": "g", "settings": {"revision": revision}}
    )
    assert CREATE_GROUP.request.decode(old) == CreateGroup("s", "g", ZERO, start)
    update = pb.UpdateReq.FromString(old.SerializeToString())
    assert UPDATE_GROUP.request.decode(update) == UpdateGroup("s", "g", ZERO, start)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (CreateGroup("", "g"), "the stream name is empty"),
        (CreateGroup("s", "g", start=-1), "the revision -1 is out of bounds"),
        (CreateGroup("s", "g", start=Position(1, 1)), "C:1/P:1 is a position in $all"),
        (CreateGroup(None, "g", start=1), "1 is a revision of a stream: $all is read from a Position"),
        (CreateGroup("s", "g", filter=BY_TYPE), "filter is for groups of $all"),
    ],
)
def test_groups_that_cannot_be(value: CreateGroup, says: str) -> None:
    """What no server could do is refused before it is sent, and says which argument is wrong."""
    with pytest.raises(InvalidArgument) as refused:
        CREATE_GROUP.request.encode(value)
    assert says in str(refused.value)


def test_a_replay_from_below_zero() -> None:
    """A bound below the first parked event is refused before it is sent."""
    with pytest.raises(InvalidArgument, match="stop_at is -1 and must be 0 or more"):
        REPLAY_PARKED.request.encode(ReplayParked("s", "g", stop_at=-1))
    with pytest.raises(InvalidArgument, match="stop_at is -1 and must be 0 or more"):
        TRUNCATE_PARKED.request.encode(TruncateParked("s", "g", stop_at=-1))


STREAM = {"stream_identifier": {"stream_name": b"s"}}


@pytest.mark.parametrize(
    ("method", "message", "says"),
    [
        (CREATE_GROUP, pb.CreateReq(), "CreateReq came without options"),
        (CREATE_GROUP, pb.CreateReq(options={}), "the stream name is empty"),
        (CREATE_GROUP, pb.CreateReq(options={"stream": STREAM}), "revision_option is missing"),
        (CREATE_GROUP, pb.CreateReq(options={"stream": {"start": {}}}), "the stream name is empty"),
        (CREATE_GROUP, pb.CreateReq(options={"all": {}}), "all_option is missing"),
        (CREATE_GROUP, pb.CreateReq(options={"all": {"start": {}}}), "filter_option is missing"),
        (CREATE_GROUP, pb.CreateReq(options={"all": {"start": {}, "filter": {}}}), "the filter has no expression"),
        (CREATE_GROUP, pb.CreateReq(options={**STREAM, "settings": {"named_consumer_strategy": 7}}), "is 7 and must"),
        (UPDATE_GROUP, pb.UpdateReq(options={"stream": STREAM}), "revision_option is missing"),
        (DELETE_GROUP, pb.DeleteReq(options={"group_name": "g"}), "stream_option is missing"),
        (GROUP_INFO, pb.GetInfoReq(options={"stream_identifier": {}}), "the stream name is empty"),
        (LIST_GROUPS, pb.ListReq(options={}), "list_option is missing"),
        (LIST_GROUPS, pb.ListReq(options={"list_for_stream": {}}), "stream_option is missing"),
        (REPLAY_PARKED, pb.ReplayParkedReq(options={"all": {}}), "stop_at_option is missing"),
        (TRUNCATE_PARKED, pb.TruncateParkedReq(options={"all": {}}), "stop_at_option is missing"),
        (TRUNCATE_PARKED, pb.TruncateParkedReq(options={"no_limit": {}}), "stream_option is missing"),
        (REPLAY_PARKED, pb.ReplayParkedReq(options={"no_limit": {}}), "stream_option is missing"),
    ],
)
def test_requests_that_servers_refuse(method: Method[Any, Any], message: object, says: str) -> None:
    """A request that lacks something is refused with the name of what is missing."""
    with pytest.raises(InvalidArgument) as refused:
        method.request.decode(message)
    assert says in str(refused.value)
