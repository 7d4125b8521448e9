"""Defining consumers: what can't be is said at import, or when the app starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_esdb import END, Esdb, Event, EventTypes, InvalidArgument, InvalidSettings, RecordedEvent
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


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (without_an_event, "must take the event"),
        (of_another_class, "Unregistered is not registered"),
        (of_recorded_events, "leave types= out"),
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


def test_a_name_is_that_of_one_consumer() -> None:
    """Two would share a checkpoint."""
    esdb = Esdb()
    esdb.consumer("c", category("a"))(of_recorded_events)
    with pytest.raises(InvalidArgument, match="defined already"):
        esdb.consumer("c", category("b"))
    assert list(esdb.consumers) == ["c"]
    assert len(esdb.consumers) == 1


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
    """`to` without events would say nothing."""
    with pytest.raises(InvalidArgument, match="at least one event"):
        to("s")
