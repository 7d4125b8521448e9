from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Literal

import pytest

from fastapi_esdb.wire.groups.methods import GROUP_INFO, LIST_GROUPS
from fastapi_esdb.wire.groups.values import GroupConnection, GroupInfo, GroupSettings
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.positions import Edge, Position
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb
from fastapi_esdb.wire.streams.values import ALL
from tests.wire.comparing import Golden, check

CONSUMER = GroupConnection("10.0.0.1:50000", "jim", "worker", 1, 2, 3, 4, 5, {"Mean": 6, "90%": 7})
FULL = GroupInfo(
    source="s",
    group="g",
    status="Live",
    settings=GroupSettings(True, True, 1, 2, 3, 4, 5, 6, 7, 8, 9, "Pinned"),
    start=0,
    last_checkpointed=10,
    last_known=11,
    connections=(CONSUMER,),
    average_per_second=12,
    total_items=13,
    count_since_last_measurement=14,
    read_buffer_count=15,
    live_buffer_count=16,
    retry_buffer_count=17,
    in_flight=18,
    outstanding=19,
    parked=20,
)
OF_ALL = GroupInfo(ALL, "g", "Behind", GroupSettings(), Position(7, 6), last_known=Position(2**40, 2**40))

GOLDEN: list[Golden] = [
    (
        GROUP_INFO.response,
        FULL,
        (
            b'\n\x90\x01\n\x01s\x12\x01g\x1a\x04Live":\n\x0e10.0.0.1:50000\x12\x03jim\x18\x01 \x02(\x032'
            b"\x08\n\x04Mean\x10\x062\x07\n\x0390%\x10\x078\x04@\x05J\x06worker(\x0c0\r8\x0eB\x0210J\x0211P"
            b"\x01Z\x010`\x01h\x01p\x02x\x07\x80\x01\t\x88\x01\x08\x90\x01\x03\x98\x01\x04\xa0\x01\x05\xa8"
            b"\x01\x0f\xb0\x01\x10\xb8\x01\x11\xc0\x01\x12\xc8\x01\x13\xd2\x01\x06Pinned\xd8\x01\x06\xe0"
            b"\x01\x14"
        ),
    ),
    (
        GROUP_INFO.response,
        OF_ALL,
        (
            b"\nc\n\x04$all\x12\x01g\x1a\x06BehindJ\x1fC:1099511627776/P:1099511627776Z\x07C:7/P:6`\xb0\xea"
            b"\x01p\nx\xf4\x03\x80\x01\xf4\x03\x88\x01\x14\x90\x01\xd0\x0f\x98\x01\n\xa0\x01\xe8\x07\xd2"
            b"\x01\nRoundRobin"
        ),
    ),
    (LIST_GROUPS.response, (), b""),
    (
        LIST_GROUPS.response,
        (FULL, OF_ALL),
        (
            b'\n\x90\x01\n\x01s\x12\x01g\x1a\x04Live":\n\x0e10.0.0.1:50000\x12\x03jim\x18\x01 \x02(\x032'
            b"\x08\n\x04Mean\x10\x062\x07\n\x0390%\x10\x078\x04@\x05J\x06worker(\x0c0\r8\x0eB\x0210J\x0211P"
            b"\x01Z\x010`\x01h\x01p\x02x\x07\x80\x01\t\x88\x01\x08\x90\x01\x03\x98\x01\x04\xa0\x01\x05\xa8"
            b"\x01\x0f\xb0\x01\x10\xb8\x01\x11\xc0\x01\x12\xc8\x01\x13\xd2\x01\x06Pinned\xd8\x01\x06\xe0"
            b"\x01\x14\nc\n\x04$all\x12\x01g\x1a\x06BehindJ\x1fC:1099511627776/P:1099511627776Z\x07C:7/P:6`"
            b"\xb0\xea\x01p\nx\xf4\x03\x80\x01\xf4\x03\x88\x01\x14\x90\x01\xd0\x0f\x98\x01\n\xa0\x01\xe8"
            b"\x07\xd2\x01\nRoundRobin"
        ),
    ),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each answer is these bytes, and these bytes are the answer."""
    check(codec, value, data)


def test_no_field_is_lost() -> None:
    """Every field that the protocol has for a group and a consumer is filled from a field of the value."""
    message = GROUP_INFO.response.encode(FULL).subscription_info
    assert {field.name for field, _ in message.ListFields()} == set(pb.SubscriptionInfo.DESCRIPTOR.fields_by_name)
    consumer = message.connections[0]
    names = set(pb.SubscriptionInfo.ConnectionInfo.DESCRIPTOR.fields_by_name)
    assert {field.name for field, _ in consumer.ListFields()} == names
    assert len(fields(GroupInfo)) + len(fields(GroupSettings)) - 1 == len(message.DESCRIPTOR.fields)


@pytest.mark.parametrize(
    ("source", "start", "text"),
    [
        ("s", None, ""),
        ("s", 0, "0"),
        ("s", 2**62, "4611686018427387904"),
        ("s", Edge.END, "-1"),
        (ALL, Position(0, 0), "C:0/P:0"),
        (ALL, Position(5, 4), "C:5/P:4"),
        (ALL, Edge.END, "C:-1/P:-1"),
    ],
)
def test_places(source: str, start: int | Position | Literal[Edge.END] | None, text: str) -> None:
    """Places are texts in the protocol: a revision, a position, or -1 for a group that began at the end."""
    info = replace(FULL, source=source, start=start)
    message = GROUP_INFO.response.encode(info)
    assert message.subscription_info.start_from == text
    assert GROUP_INFO.response.decode(message) == info


@pytest.mark.parametrize("text", ["", "-1", "C:-1/P:-1", "somewhere", "C:1"])
def test_no_place(text: str) -> None:
    """A group that has seen no event yet knows no place, whatever a server writes for that."""
    message = pb.GetInfoResp(subscription_info={"last_known_event_position": text})
    assert GROUP_INFO.response.decode(message).last_known is None


def test_settings_can_be_sent_back() -> None:
    """The settings of an answer are the value that creates and updates a group."""
    assert GROUP_INFO.response.decode(GROUP_INFO.response.encode(OF_ALL)).settings == GroupSettings()
