"""Defining consumers: what can't be is said at import, or when the app starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_esdb import END, Esdb, Event, EventTypes, InvalidArgument, InvalidSettings, Position, RecordedEvent
from fastapi_esdb.consumers import InMemory, InStream, category, group, to
from fastapi_esdb.testing import running

events = EventTypes()


@events("DefinedPlaced")
@dataclass
class Placed:
    order: int


class Unregistered:
    pass


class HalfAStore:
    def load(self, consumer: str) -> str | None: ...


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": ""}, "name"),
        ({"name": "with spaces"}, "name"),
        ({"source": 5}, "source must be"),
        ({"run": "all"}, "run must be"),
        ({"run": "one", "checkpoint": InMemory()}, "InMemory"),
        ({"run": "each", "checkpoint": InStream()}, "can't share"),
        ({"checkpoint": HalfAStore()}, "no save"),
        ({"source": group("s", "g"), "run": "one"}, "not for a group"),
        ({"source": group("s", "g"), "start": END}, "not for a group"),
        ({"concurrency": 0}, "concurrency"),
        ({"ordered_by": "key"}, "ordered_by"),
        ({"stop_timeout": -1}, "stop_timeout"),
        ({"start": -1}, "start must be between 0"),
        ({"start": Position(1, 1)}, "start must be a revision"),
        ({"source": category("order"), "start": 5}, "start must be a Position"),
        ({"source": group("s", "g"), "ordered_by": str}, "not for a group"),
        ({"types": Placed}, "types must be an EventTypes, .* not Placed"),
    ],
)
def test_options_that_can_not_be_are_named(options: dict[str, Any], said: str) -> None:
    """When the module is imported."""
    given: dict[str, Any] = {"name": "c", "source": "s", **options}
    with pytest.raises(InvalidArgument, match=said):
        Esdb().consumer(given.pop("name"), given.pop("source"), **given)


def without_an_event() -> None: ...


def of_another_class(event: Event[Unregistered]) -> None: ...


def of_recorded_events(event: RecordedEvent) -> None: ...


def of_the_class(event: Placed) -> None: ...


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (without_an_event, "must take the event"),
        (of_another_class, "Unregistered is not registered"),
        (of_recorded_events, "leave types= out"),
        (of_the_class, r"is given an Event: annotate its first parameter with Event\[Placed\]"),
    ],
)
def test_handlers_that_do_not_fit_are_refused(handler: Callable[..., Any], said: str) -> None:
    """They would be given something else than they say."""
    with pytest.raises(InvalidArgument, match=said):
        Esdb().consumer("c", "s", types=events)(handler)


def test_a_handler_of_objects_needs_types() -> None:
    """Nothing else can read them."""

    def handle(event: Event[Placed]) -> None: ...

    with pytest.raises(InvalidArgument, match="say types="):
        Esdb().consumer("c", "s")(handle)


def test_a_handler_of_another_class_takes_no_recorded_event() -> None:
    """What it says is what it is given: a class above that one is right, too."""

    def handle(event: object) -> None: ...

    with pytest.raises(InvalidArgument, match="is given a RecordedEvent"):
        Esdb().consumer("c", "s")(of_the_class)
    Esdb().consumer("c", "s")(handle)
    Esdb().consumer("c", "s", types=events)(handle)


def test_the_dash_is_no_part_of_a_category() -> None:
    """There would hardly be a stream in it."""
    with pytest.raises(InvalidArgument, match=r"category\('order'\)"):
        category("order-")


def test_a_name_is_that_of_one_consumer() -> None:
    """Two would share a checkpoint."""
    esdb = Esdb()
    esdb.consumer("c", category("a"))(of_recorded_events)
    with pytest.raises(InvalidArgument, match="defined already"):
        esdb.consumer("c", category("b"))
    assert list(esdb.consumers) == ["c"]
    assert len(esdb.consumers) == 1


@pytest.mark.usefixtures("esdb_embedded")
async def test_a_consumer_that_comes_late_is_refused() -> None:
    """Nothing would run it; when the app has stopped there may be more."""
    esdb = Esdb()
    async with running(FastAPI(lifespan=esdb.lifespan)):
        with pytest.raises(InvalidArgument, match="consumer 'c' must be defined before the app starts"):
            esdb.consumer("c", "s")
    esdb.consumer("c", "s")(of_recorded_events)


@pytest.mark.usefixtures("esdb_embedded")
async def test_parameters_that_are_no_dependencies_are_an_error_when_the_app_starts() -> None:
    """Of the handler and of what it depends on: there is no request that would have them."""

    def of_request(page: int) -> int:
        return page

    def handle(event: RecordedEvent, page: Annotated[int, Depends(of_request)]) -> None: ...

    esdb = Esdb()
    esdb.consumer("c", "s")(handle)
    with pytest.raises(InvalidSettings, match="consumer 'c': 'page' is no dependency"):
        async with running(FastAPI(lifespan=esdb.lifespan)):
            pass


def test_nothing_to_append_is_a_mistake() -> None:
    """`to` without events would say nothing; those that there are may be in lists."""
    with pytest.raises(InvalidArgument, match="at least one event"):
        to("s")
    with pytest.raises(InvalidArgument, match="at least one event"):
        to("s", [])
    found = to("s", [Placed(1), Placed(2)], Placed(3)).events
    assert [event.data for event in found] == [b'{"order":1}', b'{"order":2}', b'{"order":3}']
