"""The whole server against a naive model, while a watchdog measures how long its event loop was kept from others."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.positions import END
from fastapi_esdb.wire.revisions import MAX_REVISION
from tests.embedded.history import METASTREAMS, MORTAL, STREAMS, Ask, Follower, History
from tests.embedded.store.model import ScavengedModel
from tests.embedded.store.support import Clock
from tests.embedded.watchdog import BOUND, watched
from tests.support.bare_client import connected

EVERY_STREAM = {*STREAMS, *METASTREAMS, *MORTAL, *(f"$${stream}" for stream in MORTAL)}
CATEGORIES = (("a", ("a-1", "a-2")), ("b", ("b-1",)))
Key = tuple[str, int]


@pytest.mark.parametrize("is_on_disk", [False, True], ids=["memory", "disk"])
async def test_a_history(tmp_path: Path, is_on_disk: bool) -> None:
    """Whatever is done, every read, subscription, group and projection has what it should, nobody waits long."""
    await judge(tmp_path / "events.db" if is_on_disk else None, seed=is_on_disk, steps=40)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10, 20))
async def test_a_long_history(tmp_path: Path, seed: int) -> None:
    """The same for longer."""
    await judge(tmp_path / "events.db" if seed % 2 else None, seed=seed, steps=300)


async def judge(path: Path | None, seed: int, steps: int) -> None:
    """Play a history, tell it to the model, and compare everything that anybody got."""
    clock = Clock()
    async with EmbeddedServer(path=path, clock=clock) as server, connected(server.address) as client:
        history = History(client, clock, seed)
        with watched() as watchdog:
            await history.begin()
            await history.play(steps)
            await history.end()
            counted = await history.counted()
            linked = {category: await history.linked(category, streams) for category, streams in CATEGORIES}
    model = compare(history)
    check_links(model, linked)
    assert counted <= len(model.entries("b-1"))
    assert watchdog.turns > steps
    assert watchdog.longest < BOUND


def compare(history: History) -> ScavengedModel:
    """Tell the history to the model, which answers the same; then look at what followers got."""
    model = ScavengedModel()
    skipped: list[set[Key]] = [set() for _ in history.followers]
    for number, step in enumerate(history.steps):
        hidden = hidden_at(model, step.now)
        assert outcome(step.ask, model) == step.answer, f"step {number}: {step.told}"
        hidden |= hidden_at(model, step.now)
        for follower, skips in zip(history.followers, skipped, strict=True):
            if follower.began <= number + 1:
                skips.update(hidden)
    for follower, skips in zip(history.followers, skipped, strict=True):
        check_follower(model, follower, skips)
    return model


def outcome(ask: Ask, model: ScavengedModel) -> object:
    try:
        return ask(model)
    except EsdbError as error:
        return type(error)


def hidden_at(model: ScavengedModel, now: datetime) -> set[Key]:
    """What a read would not show: who follows may pass over it, if it is not live."""
    hidden: set[Key] = set()
    for stream in EVERY_STREAM:
        shown = outcome(lambda model, stream=stream: model.readable(stream, now), model)  # type: ignore[misc]
        seen = set(shown) if isinstance(shown, list) else set()
        hidden |= {(stream, entry.revision) for entry in model.entries(stream) if entry.revision not in seen}
    return hidden


def check_follower(model: ScavengedModel, follower: Follower, skipped: set[Key]) -> None:
    """Everything came once and in order, but for what may have been passed over."""
    written = [(e.stream, e.revision) for e in model.log if follower.stream in (None, e.stream)]
    got = [(one.stream, one.revision) for one in follower.records if one.stream in EVERY_STREAM]
    places = {key: place for place, key in enumerate(written)}
    assert [places[key] for key in got] == sorted({places[key] for key in got})
    if follower.stream is None:
        required = set(written) - model.removed
    elif follower.start is END:
        required = {(follower.stream, model.last(follower.stream))}
    else:
        after = follower.start if isinstance(follower.start, int) else -1
        required = {key for key in written if key[1] > after} - skipped
    assert required <= set(got), (follower.stream, follower.start, sorted(required - set(got))[:10])


def check_links(model: ScavengedModel, linked: dict[str, list[Key]]) -> None:
    """A category has a link to each event of its streams that is left, in the order of the log."""
    for category, streams in CATEGORIES:
        written = [(entry.stream, entry.revision) for entry in model.log if entry.stream in streams]
        places = {key: place for place, key in enumerate(written)}
        found = [places[key] for key in linked[category]]
        assert found == sorted(set(found))
        left = {key for key in written if key[1] != MAX_REVISION} - model.removed
        assert left <= set(linked[category])
