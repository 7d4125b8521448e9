from __future__ import annotations

from typing import Any

import pytest

from fastapi_esdb.wire.admin.monitoring import STATS, StatsRequest
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec
from tests.wire.comparing import Golden, check

GOLDEN: list[Golden] = [
    (STATS.request, StatsRequest(), b" \x88'"),
    (STATS.request, StatsRequest(period_ms=1, use_metadata=True), b"\x08\x01 \x01"),
    (
        STATS.response,
        {"proc-cpu": "1.5", "proc-mem": "100"},
        b"\n\x0f\n\x08proc-cpu\x12\x031.5\n\x0f\n\x08proc-mem\x12\x03100",
    ),
    (STATS.response, {}, b""),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """The request and the answers are these bytes, and these bytes are they."""
    check(codec, value, data)


def test_statistics_are_plain() -> None:
    """A caller gets a dict, and not an object of protobuf."""
    assert type(STATS.response.decode(STATS.response.encode({"a": "1"}))) is dict


@pytest.mark.parametrize("period_ms", [0, -1])
def test_statistics_without_a_pause(period_ms: int) -> None:
    """A period of nothing would make the server send as fast as it can: it is refused before it is sent."""
    with pytest.raises(InvalidArgument, match=f"period_ms is {period_ms} and must be 1 or more"):
        STATS.request.encode(StatsRequest(period_ms))
