"""Objects of registered classes are appended as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from fastapi_esdb.api.atomic_appends import StreamAppend
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import InvalidArgument
from tests.events.orders import OrderNoted, OrderPaid, OrderPlaced, events

PLACED = OrderPlaced(orderId=UUID(int=7))
PAID = OrderPaid(Decimal("9.50"), datetime(2026, 3, 1, tzinfo=UTC))


async def test_one_object_is_one_event(esdb: Connection) -> None:
    """Its type is the registered name, its data what pydantic writes, and version 1 needs no metadata."""
    await esdb.append("s", PLACED)
    [found] = await esdb.read("s").to_list()
    assert (found.type, found.json(), found.metadata) == (
        "OrderPlaced",
        {"orderId": str(UUID(int=7)), "lines": []},
        b"",
    )


async def test_a_list_may_mix_them_with_new_events(esdb: Connection) -> None:
    """Each becomes what it is."""
    await esdb.append("s", [PLACED, NewEvent("Other", {}), PAID])
    assert [event.type for event in await esdb.read("s").to_list()] == ["OrderPlaced", "Other", "OrderPaid"]


async def test_several_streams_at_once_take_them(esdb: Connection) -> None:
    """`append_streams` and `append_records` do what `append` does."""
    await esdb.append_streams([StreamAppend("a", PLACED), StreamAppend("b", [PAID, PLACED])])
    await esdb.append_records([("a", PAID), ("c", PLACED)])
    found = await esdb.read_all(types=events.of(OrderPlaced, OrderPaid).unknown("skip")).to_list()
    assert [(event.recorded.stream, event.data) for event in found] == [
        ("a", PLACED),
        ("b", PAID),
        ("b", PLACED),
        ("a", PAID),
        ("c", PLACED),
    ]


@pytest.mark.parametrize("mode", AppendMode)
async def test_every_way_of_an_append_takes_them(esdb_server: EmbeddedServer, mode: AppendMode) -> None:
    """Shared calls, groups of appends and single calls carry them alike."""
    async with connect(EsdbSettings(connection_string=esdb_server.connection_string, append_mode=mode)) as esdb:
        await esdb.wait_connected(5)
        await esdb.append("s", [PLACED, PAID])
        assert [event.data for event in await esdb.read("s", types=events).to_list()] == [PLACED, PAID]


async def test_a_typed_dict_is_appended_by_its_class(esdb: Connection) -> None:
    """A dict does not know its type: `new` is told the class."""
    await esdb.append("s", events.new(OrderNoted, {"text": "call first"}))
    [found] = await esdb.read("s", types=events.of(OrderNoted)).to_list()
    assert found.data == {"text": "call first"}


async def test_new_takes_metadata_and_an_id(esdb: Connection) -> None:
    """They stand beside the version, which the metadata holds, too."""
    types, event_id = EventTypes(), uuid4()

    @types("Moved", version=2)
    class Moved(BaseModel):
        to: str

    @types.upcast(Moved, since=1)
    def unchanged(old: dict[str, Any]) -> dict[str, Any]:
        return old

    await esdb.append("s", types.new(Moved(to="Bern"), metadata={"$correlationId": "c"}, id=event_id))
    [found] = await esdb.read("s").to_list()
    assert found.id == event_id
    assert found.json_metadata() == {"$correlationId": "c", "schemaVersion": 2}


class Unregistered(BaseModel):
    """A model that no registry knows."""

    secret: str = "hush"


class Special(OrderPlaced):
    """Its class is not registered, though that above it is."""


@pytest.mark.parametrize("given", [Unregistered(), [PLACED, Unregistered()], Special(orderId=uuid4())])
async def test_what_is_not_registered_is_refused(esdb: Connection, given: Any) -> None:
    """The error names the class, and nothing is sent."""
    with pytest.raises(InvalidArgument, match=r"not (Unregistered|Special): .*registered") as raised:
        await esdb.append("s", given)
    assert "hush" not in str(raised.value)
    assert await esdb.read("s", missing_ok=True).to_list() == []


types = EventTypes()


@types("Counted")
@dataclass(eq=False)
class Counted:
    """A dataclass does not check what it is made of."""

    n: int
    ratio: float = 0.5


@pytest.mark.parametrize(
    ("given", "field"),
    [(Counted("secret"), "n: int_parsing"), (Counted(1, float("nan")), "ratio: float_type")],  # type: ignore[arg-type]
    ids=["text", "nan"],
)
def test_what_would_not_be_read_back_is_refused(given: Counted, field: str) -> None:
    """The error names the field and not its value."""
    with pytest.raises(InvalidArgument, match=field) as raised:
        types.new(given)
    assert "secret" not in str(raised.value)


def test_what_would_become_another_value_is_refused() -> None:
    """The text "5" would be read back as a number."""
    with pytest.raises(InvalidArgument, match="Counted would be read back as another value: n"):
        types.new(Counted("5"))  # type: ignore[arg-type]


def test_objects_that_cannot_be_compared_are_written() -> None:
    """What they are written as is compared instead."""
    assert types.new(Counted(5)).data == b'{"n":5,"ratio":0.5}'


def test_keys_that_a_typed_dict_does_not_have_are_refused() -> None:
    """They would be lost."""
    given: Any = {"text": "a", "more": "secret"}
    with pytest.raises(InvalidArgument, match="OrderNoted would be read back as another value: more"):
        events.new(OrderNoted, given)


def test_new_refuses_a_class_of_another_registry() -> None:
    """It would be read back by nothing that this registry gives."""
    with pytest.raises(InvalidArgument, match="Counted is not registered"):
        events.new(Counted(1))
