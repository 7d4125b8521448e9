"""Registries of event types."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

import pytest

from fastapi_esdb.compose import connect
from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.wire.errors import InvalidArgument
from tests.events.test_reading import recorded

HERE = r"test_registering\.py:\d+"


@dataclass
class Plain:
    """Registered nowhere yet."""

    n: int = 0


def fresh() -> type[Plain]:
    """Return a class of its own, as each test needs one."""

    @dataclass
    class Fresh(Plain):
        pass

    return Fresh


def test_a_name_twice_is_an_error_with_both_places() -> None:
    """It is raised where the second one is registered."""
    types = EventTypes()
    types("A")(fresh())
    with pytest.raises(InvalidArgument, match=rf"'A' is registered twice: at .*{HERE}, and at .*{HERE}"):
        types("A")(fresh())


def test_a_class_twice_is_an_error_with_both_places() -> None:
    """In another registry, too: an append does not say which registry it means."""
    cls = fresh()
    EventTypes()("A")(cls)
    with pytest.raises(
        InvalidArgument, match=rf"Fresh is registered twice: as 'A' at .*{HERE}, and as 'B' at .*{HERE}"
    ):
        EventTypes()("B")(cls)


def test_a_former_name_is_a_name() -> None:
    """It can't be another type's."""
    types = EventTypes()
    types("B", formerly=("A", "Z"))(fresh())
    with pytest.raises(InvalidArgument, match="'A' is registered twice"):
        types("A")(fresh())


def test_registries_are_composed() -> None:
    """What is included can be read, whether it was registered before or after."""
    orders, app = EventTypes(), EventTypes()
    first, second = fresh(), fresh()
    orders("First")(first)
    app.include(orders)
    orders("Second")(second)
    assert app.decode(recorded("First", {"n": 1})).data == first(1)
    assert app.decode(recorded("Second", {"n": 2})).data == second(2)
    assert app.new(second(3)).type == "Second"


def test_a_name_of_two_registries_is_an_error_where_they_meet() -> None:
    """When one is included, and when the later of two is registered."""
    a, b, app = EventTypes(), EventTypes(), EventTypes()
    a("A")(fresh())
    b("A")(fresh())
    app.include(a)
    with pytest.raises(InvalidArgument, match="'A' is registered twice"):
        app.include(b)
    app("B")(fresh())
    with pytest.raises(InvalidArgument, match="'B' is registered twice"):
        a("B")(fresh())
    a("C")(fresh())


def test_a_registry_may_come_by_two_ways() -> None:
    """That is no name twice."""
    common, a, b, app = EventTypes(), EventTypes(), EventTypes(), EventTypes()
    common("A")(fresh())
    a.include(common)
    b.include(common)
    app.include(a, b)
    common("B")(fresh())
    assert app.decode(recorded("B", {})).recorded.type == "B"


def test_a_registry_cannot_hold_itself() -> None:
    """Nor by way of another one."""
    a, b = EventTypes(), EventTypes()
    a.include(b)
    for one, other in ((a, a), (b, a)):
        with pytest.raises(InvalidArgument, match="can't include itself"):
            one.include(other)


@pytest.mark.parametrize(("name", "version"), [("", 1), ("A", 0), ("A", True), (5, 1)])
def test_names_and_versions_are_checked(name: Any, version: Any) -> None:
    """At import, as all of it is."""
    with pytest.raises(InvalidArgument):
        EventTypes()(name, version=version)


async def test_a_missing_upcast_stops_the_app_at_its_start() -> None:
    """The error names the type, where it is registered and the versions that nothing reads."""
    types, cls = EventTypes(), fresh()
    types("A", version=4)(cls)
    types.upcast(cls, since=2)(dict)
    with pytest.raises(
        InvalidSettings, match=rf"'A' \(.*{HERE}\) is of version 4 and has no upcast since 1;.* since 3"
    ):
        async with connect("esdb+embedded://"):
            pass
    del types
    gc.collect()


async def test_a_class_that_cannot_be_read_stops_the_app_at_its_start() -> None:
    """The error names the class, where it is registered and the reason, and so does an append."""

    class Nothing:
        pass

    @dataclass
    class Open:
        other: "Missing"  # type: ignore[name-defined]  # noqa: F821, UP037

    types = EventTypes()
    types("A")(Nothing)
    types("B")(Open)
    found = rf"'A' \(.*{HERE}\): Nothing can't be read by pydantic .*'B' .*Open can't .*name 'Missing' is not defined"
    with pytest.raises(InvalidSettings, match=found):
        types.check()
    with pytest.raises(InvalidArgument, match="Nothing can't be read by pydantic"):
        types.new(Nothing())
    del types
    gc.collect()


@pytest.mark.parametrize("given", [fresh, 5, list[int]])
def test_only_classes_are_registered(given: Any) -> None:
    """The error names the place and the name."""
    with pytest.raises(InvalidArgument, match=rf"{HERE}.* 'A' must be a class"):
        EventTypes()("A")(given)


def test_only_registries_are_included() -> None:
    """The error says what was given."""
    with pytest.raises(InvalidArgument, match="must be of type EventTypes, not str"):
        EventTypes().include("shop.events")  # type: ignore[arg-type]


@pytest.mark.parametrize("since", [0, 2, 3])
def test_an_upcast_must_lead_to_a_newer_version(since: int) -> None:
    """Since the current version there is nothing to do."""
    types, cls = EventTypes(), fresh()
    types("A", version=2)(cls)
    with pytest.raises(InvalidArgument):
        types.upcast(cls, since=since)(dict)


def test_an_upcast_twice_is_an_error_with_both_places() -> None:
    """One of them would do nothing."""
    types, cls = EventTypes(), fresh()
    types("A", version=2)(cls)
    types.upcast(cls, since=1)(dict)
    with pytest.raises(InvalidArgument, match=rf"{HERE}: 'A' is upcast since 1 already, at .*{HERE}"):
        types.upcast(cls, since=1)(dict)
