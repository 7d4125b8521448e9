"""Tests of decisions without a database."""

from __future__ import annotations

from typing import Any, assert_type

import pytest

from fastapi_esdb import NewEvent
from fastapi_esdb.errors import InvalidArgument
from fastapi_esdb.testing import Given, given
from tests.api.deciders.accounts import Account, AccountDecider, MutableAccount, Overdrawn, put, take
from tests.api.deciders.test_typed_decisions import Book, BookDecider, BookEntity, Deposited, Opened, open_with


def test_events_are_decided() -> None:
    """Recorded ones or typed ones, by deciders and by entities; the state goes on from the one that was given."""
    before = given(AccountDecider, put(5))
    assert_type(before, Given[Account])
    before.when(take, 3).then(NewEvent("Taken", {"cents": 3})).then_state(Account(2, (0, 1)))
    entity = given(MutableAccount, put(5))
    entity.when(take, 3).then(NewEvent("Taken", {"cents": 3})).then_state(MutableAccount(2, [0, 1]))
    assert entity.state == MutableAccount(5, [0])
    given(BookDecider()).when(open_with, "ada", 5).then(Opened(owner="ada"), Deposited(5)).then_state(Book("ada", 5))
    given(BookEntity, Deposited(2)).when(lambda book: Deposited(book.cents)).then(Deposited(2))


async def test_a_coroutine_function_decides() -> None:
    """It is awaited; where it is not, the error says how."""

    async def decide(_: Account) -> NewEvent:
        return put(1)

    async def refuse(_: Account) -> None:
        raise Overdrawn

    (await given(AccountDecider).when_awaited(decide)).then(put(1))
    (await given(AccountDecider).when_awaited(refuse)).then_raises(Overdrawn)
    forgetful: Any = decide
    with pytest.raises(InvalidArgument, match="when_awaited"):
        given(AccountDecider).when(forgetful)


def test_nothing_is_decided() -> None:
    """Which is an expectation like others."""
    given(AccountDecider).when(lambda _: None).then().then_state(Account())


@pytest.mark.parametrize(
    "expected", [[], [put(2)], [put(1), put(1)], [NewEvent("Taken", {"cents": 1})], [NewEvent("Put", {"cents": 1}, {})]]
)
def test_other_events_are_decided(expected: list[NewEvent]) -> None:
    """Another type, other data, other metadata, more or fewer of them: both are shown."""
    with pytest.raises(AssertionError, match=r"decided was NewEvent\('Put', b'{\"cents\":1}'.* and expected"):
        given(AccountDecider).when(lambda _: put(1)).then(*expected)


def test_another_state() -> None:
    """Both are shown."""
    with pytest.raises(AssertionError, match=r"the state is Account\(cents=1.*expected was Account\(cents=2"):
        given(AccountDecider).when(lambda _: put(1)).then_state(Account(2))


def test_refusals() -> None:
    """Are expected by their class and their text; one that nobody expects is raised as it is."""
    refused = given(AccountDecider).when(take, 1)
    refused.then_raises(Overdrawn)
    with pytest.raises(Overdrawn):
        refused.then(put(1))
    with pytest.raises(Overdrawn):
        refused.then_state(Account())
    with pytest.raises(Overdrawn):
        refused.then_raises(KeyError)
    with pytest.raises(AssertionError, match="'enough' is not found"):
        refused.then_raises(Overdrawn, match="enough")
    with pytest.raises(AssertionError, match="decided was nothing, and expected Overdrawn"):
        given(AccountDecider).when(lambda _: None).then_raises(Overdrawn)


def test_an_event_that_the_state_can_not_take_in() -> None:
    """Fails the test, as it would not be appended."""
    outcome = given(AccountDecider).when(lambda _: NewEvent("Broken", {"cents": 1}))
    outcome.then_raises(ValueError, match="nobody can evolve by")
