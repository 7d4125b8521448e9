"""What is done about an append whose answer was lost, against a model of a cluster and chance."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from fastapi_esdb.api.lookup import Absent
from fastapi_esdb.api.resolution_plan import LookUp, LookUpInPlace, ResolutionPlan, Send
from fastapi_esdb.wire.errors import ConnectionLost
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from tests.api.resolution_model import Client, Cluster

EVERY = [(ANY, 0), (ANY, 3), (ANY, 30), (STREAM_EXISTS, 3), (NO_STREAM, 0), (2, 3)]


@pytest.mark.parametrize("seeds", [500, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("expected", "before"), EVERY)
def test_an_append_happens_once(expected: Expected, before: int, seeds: int) -> None:
    """What the caller is told is so, for ever: there once at that revision, or not there for a conflict."""
    ends: Counter[str] = Counter()
    for seed in range(seeds):
        cluster = Cluster(random.Random(seed), before)
        client = Client(cluster, expected)
        try:
            told = client.append()
        except ConnectionLost:
            cluster.settle()
            assert cluster.log.count(client.event) <= 1, seed
            ends["unknown"] += 1
            continue
        cluster.settle()
        found = [revision for revision, event in enumerate(cluster.log) if event == client.event]
        assert found == ([] if told is None else [told]), seed
        ends["conflict" if told is None else "done"] += 1
        ends["at one node"] += any(isinstance(step, LookUp) and step.at_leader for step in client.steps)
    assert ends["done"] > seeds / 4
    assert ends["unknown"] <= seeds / 100
    is_loose = expected in (ANY, STREAM_EXISTS)
    assert bool(ends["at one node"]) == is_loose
    assert bool(ends["conflict"]) != is_loose


def test_sending_again_as_it_was_stores_it_twice() -> None:
    """In the same model, which so can tell the difference."""
    doubled = 0
    for seed in range(2_000):
        cluster = Cluster(random.Random(seed), 3)
        client = Client(cluster, ANY)
        for _ in range(20):
            try:
                cluster.send(ANY, client.event)
                break
            except ConnectionLost:
                continue
        cluster.settle()
        doubled += cluster.log.count(client.event) > 1
    assert doubled > 100


def test_an_exact_expectation_is_sent_again_as_it_is() -> None:
    """And a conflict is looked at where the events would be, unless the stream never came so far."""
    plan = ResolutionPlan(4, 2)
    assert plan.begin() == plan.lost(Send(4)) == Send(4)
    assert plan.in_conflict(9) == plan.in_conflict(None) == LookUpInPlace(5)
    assert plan.in_conflict(3) is plan.in_conflict(NO_STREAM) is None


def test_without_events_it_only_asks() -> None:
    """There is nothing to look for."""
    plan = ResolutionPlan(ANY, 0)
    assert plan.begin() == Send(ANY)
    assert plan.in_conflict(9) is None


def test_without_an_expectation_it_is_looked_for_before_it_is_sent() -> None:
    """What was looked at is what is expected then; after three conflicts another way is taken, which ends in a look."""
    plan = ResolutionPlan(ANY, 1)
    assert plan.begin() == LookUp()
    for end in (5, 7, 9):
        assert plan.absent(Absent(end)) == Send(end)
        assert plan.in_conflict(end + 2) == LookUp(end)
    assert plan.absent(Absent(11)) == LookUp(11, at_leader=True)
    assert plan.lost(LookUp(11, at_leader=True)) == LookUp(11)
    assert plan.absent(Absent(NO_STREAM)) == Send(NO_STREAM)
