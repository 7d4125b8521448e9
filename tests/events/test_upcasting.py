"""Events of older versions are read as the current ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.errors import EventDoesNotFit
from fastapi_esdb.events.event_types import EventTypes
from tests.events.test_reading import recorded

Old = dict[str, Any]

events = EventTypes()


@events("CustomerMoved", version=3, formerly="AddressChanged")
class CustomerMoved(BaseModel):
    """Once it had one line of text, then a street and a town in one."""

    street: str
    town: str
    country: str


@events.upcast(CustomerMoved, since=1)
def with_town(old: Old) -> Old:
    street, _, town = old["address"].partition(", ")
    return {"street": street, "town": town}


@events.upcast(CustomerMoved, since=2)
def with_country(old: Old) -> Old:
    return {**old, "country": "CH"}


@events("Paid", version=2)
@dataclass(frozen=True)
class Paid:
    """Version 1 was two things at once."""

    amount: int


@events("Shipped")
class Shipped(BaseModel):
    """Once a part of a payment."""

    by: str


@events.upcast(Paid, since=1)
def shipped_apart(old: Old) -> list[Old | Shipped]:
    return [{"amount": old["amount"]}, Shipped(by=old["carrier"])]


@events.retired("ShippedAndPaid")
def both(old: Old) -> list[Shipped | Paid]:
    return [Shipped(by=old["by"]), Paid(old["amount"])]


@events.retired("Ignored")
def nothing(_old: Old) -> list[Any]:
    return []


@events.retired("Sent")
def sent(old: Old) -> Shipped:
    return Shipped(by=old["with"])


@events("Returned", version=2)
class Returned(BaseModel):
    """Its upcasts were written in a hurry."""

    n: int


@events.upcast(Returned, since=1)
def hurried(old: Old) -> Any:
    return RETURNED[old["n"]]


@events.retired("Gone")
def gone(old: Old) -> Any:
    return RETURNED[old["n"]]


RETURNED = [None, "secret", ["secret"], {}, {"n": 5}]

BERN = CustomerMoved(street="Gasse 1", town="Bern", country="CH")


@pytest.mark.parametrize(
    ("data", "metadata"),
    [
        ({"address": "Gasse 1, Bern"}, None),
        ({"address": "Gasse 1, Bern"}, {"$correlationId": "c"}),
        ({"address": "Gasse 1, Bern"}, {"schemaVersion": 1}),
        ({"street": "Gasse 1", "town": "Bern"}, {"schemaVersion": 2}),
        ({"street": "Gasse 1", "town": "Bern"}, {"schemaVersion": 2.0}),
        ({"street": "Gasse 1", "town": "Bern"}, {"schemaVersion": "2"}),
        ({"street": "Gasse 1", "town": "Bern", "country": "CH"}, {"schemaVersion": 3}),
        ({"street": "Gasse 1", "town": "Bern", "country": "CH"}, {"$correlationId": "c", "schemaVersion": 3}),
        ({"street": "Gasse 1", "town": "Bern", "country": "CH", "canton": "BE"}, {"schemaVersion": 4}),
    ],
)
async def test_every_version_is_read_as_the_current_one(esdb: Connection, data: Old, metadata: Any) -> None:
    """Whoever has written it, and whatever else the metadata holds; a newer one is read as far as it is known."""
    await esdb.append("s", NewEvent("CustomerMoved", data, metadata))
    [event] = await esdb.read("s", types=events).to_list()
    assert event.data == BERN


async def test_events_under_a_former_name_are_read(esdb: Connection) -> None:
    """Versions count on through a change of the name."""
    await esdb.append("s", [NewEvent("AddressChanged", {"address": "Gasse 1, Bern"}), BERN])
    assert [event.data for event in await esdb.read("s", types=events).to_list()] == [BERN, BERN]
    assert [event.type for event in await esdb.read("s").to_list()] == ["AddressChanged", "CustomerMoved"]


async def test_the_version_survives_every_way_of_an_append(esdb: Connection) -> None:
    """Where the v2 protocol adds to the metadata, too."""
    await esdb.append_records([("s", BERN)])
    [event] = await esdb.read("s", types=events).to_list()
    assert event.data == BERN
    assert event.recorded.json_metadata()["schemaVersion"] == 3


SPLIT = [
    ("Paid", {"amount": 5, "carrier": "Post"}, [Paid(5), Shipped(by="Post")]),
    ("ShippedAndPaid", {"amount": 5, "by": "Post"}, [Shipped(by="Post"), Paid(5)]),
    ("Sent", {"with": "Post"}, [Shipped(by="Post")]),
    ("Ignored", {}, []),
]


@pytest.mark.parametrize(("kind", "data", "expected"), SPLIT, ids=[kind for kind, *_ in SPLIT])
async def test_one_event_may_stand_for_several(esdb: Connection, kind: str, data: Old, expected: list[Any]) -> None:
    """They have one envelope, wherever they are read."""
    await esdb.append("s", [NewEvent(kind, data), BERN])
    found = await esdb.read("s", types=events).to_list()
    assert [event.data for event in found] == [*expected, BERN]
    assert [event.recorded.revision for event in found] == [*[0] * len(expected), 1]


@pytest.mark.parametrize("as_batches", [False, True])
async def test_a_checkpoint_stays_before_an_event_until_all_of_it_is_given(esdb: Connection, as_batches: bool) -> None:
    """Whoever goes on from it gets both halves again, and loses none."""
    await esdb.append("s", [NewEvent("ShippedAndPaid", {"amount": 5, "by": "Post"}), BERN])
    async with esdb.subscribe("s", types=events) as subscription:
        assert (await anext(subscription)).data == Shipped(by="Post")
        before = subscription.checkpoint
        rest = await anext(subscription.batches()) if as_batches else [await anext(subscription)]
        assert rest[0].data == Paid(5)
        assert subscription.checkpoint == len(rest) - 1
    async with esdb.subscribe("s", after=before, types=events) as subscription:
        assert (await anext(subscription)).data == Shipped(by="Post")


async def test_halves_that_are_not_asked_for_are_skipped(esdb: Connection) -> None:
    """Of an old event only what is of the classes asked for is given."""
    await esdb.append("s", [NewEvent(kind, data) for kind, data, _ in SPLIT])
    assert [event.data for event in await esdb.read("s", types=events.of(Paid)).to_list()] == [Paid(5), Paid(5)]


def test_decode_is_for_what_is_one_event() -> None:
    """What has become several, or nothing, is an error that says so."""
    for kind, data, count in (("ShippedAndPaid", {"amount": 5, "by": "Post"}, 2), ("Ignored", {}, 0)):
        with pytest.raises(EventDoesNotFit, match=rf"it stands for {count} events: decode_all"):
            events.decode(recorded(kind, data))


MISFITS: list[tuple[Callable[[], Any], str]] = [
    (lambda: recorded("CustomerMoved", {"secret": "secret"}), "the upcast since 1 raised KeyError"),
    (lambda: recorded("CustomerMoved", b"secret"), "it is no JSON"),
    (lambda: recorded("CustomerMoved", {"street": 1, "town": "secret"}, {"schemaVersion": 2}), "'street': string_type"),
    (lambda: recorded("CustomerMoved", {"street": "x"}, {"schemaVersion": 9}), "of version 9, and the app knows 3"),
    (lambda: recorded("ShippedAndPaid", {"secret": 1}), "the function that replaces it raised KeyError"),
    (lambda: recorded("ShippedAndPaid", b"secret"), "it is no JSON"),
    (lambda: recorded("CustomerMoved", ["secret"]), "it is no JSON object"),
    (lambda: recorded("ShippedAndPaid", "secret"), "it is no JSON object"),
    (lambda: recorded("Returned", {"n": 0}), "the upcast since 1 must return a dict, .*, and returned NoneType"),
    (lambda: recorded("Returned", {"n": 1}), "the upcast since 1 must return a dict, .*, and returned str"),
    (lambda: recorded("Returned", {"n": 2}), "the upcast since 1 must return a dict, .*, and returned str"),
    (lambda: recorded("Gone", {"n": 0}), "replaces it must return objects of registered .*, and returned NoneType"),
    (lambda: recorded("Gone", {"n": 4}), "replaces it must return objects of registered .*, and returned dict"),
]


@pytest.mark.parametrize(("make", "reason"), MISFITS)
def test_what_cannot_be_upcast_says_why_without_the_data(make: Callable[[], Any], reason: str) -> None:
    """Whatever an upcast raises stays out of the error and its causes."""
    with pytest.raises(EventDoesNotFit, match=reason) as raised:
        events.decode_all(make())
    assert "secret" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


def test_a_missing_upcast_is_named() -> None:
    """Where the app did not check its types at the start."""
    types = EventTypes()

    @types("Gap", version=2)
    class Gap(BaseModel):
        n: int

    with pytest.raises(EventDoesNotFit, match="it is of version 1, and there is no upcast since that"):
        types.decode(recorded("Gap", {"n": 1}))


def test_current_events_cost_no_upcast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their metadata is compared as bytes, and not even parsed."""

    def never(_metadata: bytes) -> int:
        raise AssertionError("it was parsed")

    monkeypatch.setattr("fastapi_esdb.events.event_type.version_of", never)
    current = events.new(BERN)
    stored = recorded("CustomerMoved", current.data)
    object.__setattr__(stored, "metadata", current.metadata)
    assert events.decode(stored).data == BERN
