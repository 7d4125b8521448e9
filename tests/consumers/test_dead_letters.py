"""Policies of errors, and what becomes of events that are put aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fastapi_esdb import START, Connection, DeadlineExceeded, InvalidArgument, NewEvent, RecordedEvent, StreamMetadata
from fastapi_esdb.consumers import ConsumerState, InMemory, Park, Retry, Skip, Stop, To, consuming, group, to
from fastapi_esdb.consumers.outcomes import policy
from tests.support.waiting import UNANSWERED, until


class SmtpDown(OSError):
    """An error of the app's."""


class Mailer:
    """A handler that fails for the revisions in `failing`, with the error that is there."""

    def __init__(self, **failing: Exception) -> None:
        self.failing = {int(name[1:]): error for name, error in failing.items()}
        self.sent: list[int] = []
        self.attempts = 0

    async def __call__(self, event: RecordedEvent) -> None:
        self.attempts += 1
        if event.revision in self.failing:
            raise self.failing[event.revision]
        self.sent.append(event.revision)


async def add(connection: Connection, stream: str, count: int) -> None:
    await connection.append(stream, [NewEvent("N", {"number": number}) for number in range(count)])


KINDS: dict[str, dict[str, Any]] = {
    "in the database": {},
    "in memory": {"run": "each", "checkpoint": InMemory()},
    "several at once": {"concurrency": 4},
}


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
async def test_an_event_is_parked_with_its_error_and_the_next_one_is_handled(
    esdb_connection: Connection, options: dict[str, Any]
) -> None:
    """The dead letter says what went wrong with which event; the event itself can be looked at."""
    mailer = Mailer(r1=ValueError("no such address"))
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", mailer, on_error={ValueError: Park}, **options) as consumer:
        await until(lambda: mailer.sent == [0, 2])
        await until(lambda: consumer.status.place == 2)
        assert consumer.status.parked == 1
        [letter] = await consumer.dead_letters.list()
        assert (letter.stream, letter.revision, letter.type, letter.attempts) == ("s", 1, "N", 1)
        assert (letter.error, letter.message) == ("builtins.ValueError", "no such address")
        event = await consumer.dead_letters.event(letter.number)
        assert event is not None
        assert event.id == letter.event_id
        assert event.json() == {"number": 1}
        assert await consumer.dead_letters.get(letter.number) == letter
        assert await consumer.dead_letters.get(7) is None


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
async def test_a_dead_letter_is_handled_again(esdb_connection: Connection, options: dict[str, Any]) -> None:
    """One that fails again is parked again under another number, with the new error; the checkpoint stays."""
    mailer = Mailer(r0=ValueError("first"), r1=ValueError("second"))
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", mailer, on_error={ValueError: Park}, **options) as consumer:
        await until(lambda: consumer.status.place == 2)
        letters = consumer.dead_letters
        one, two = await letters.list()
        del mailer.failing[0]
        assert await letters.replay(one.number) == 1
        assert mailer.sent == [2, 0]
        mailer.failing[1] = KeyError("third")
        assert await letters.replay() == 0
        [again] = await letters.list()
        assert (again.revision, again.error) == (1, "builtins.KeyError")
        assert again.number > two.number
        assert await letters.list(after=again.number) == []
        mailer.failing.clear()
        assert await letters.replay() == 1
        assert mailer.sent == [2, 0, 1]
        assert await letters.replay() == 0
        await add(esdb_connection, "s", 1)
        await until(lambda: mailer.sent == [2, 0, 1, 3])
        assert consumer.status.place == 3


async def test_dead_letters_are_dropped_and_their_stream_is_cut(esdb_connection: Connection) -> None:
    """What is settled is removed from the stream, up to the first letter that is open."""
    mailer = Mailer(r0=ValueError(), r1=ValueError(), r2=ValueError())
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", mailer, on_error=lambda *_: Park()) as consumer:
        await until(lambda: consumer.status.place == 2)
        letters = consumer.dead_letters
        assert await letters.drop(1) == 1
        assert [letter.number for letter in await letters.list()] == [0, 2]
        assert [letter.number for letter in await letters.list(limit=1)] == [0]
        with pytest.raises(InvalidArgument, match="there is no dead letter 1: list"):
            await letters.drop(1)
        assert await letters.drop() == 2
        assert await letters.list() == []
        kept = await esdb_connection.read("esdb_dead_letters-c", missing_ok=True).to_list()
        assert kept == []


async def test_letters_of_consumers_in_a_group(esdb_connection: Connection) -> None:
    """A parked event is acknowledged, and handled again in this process."""
    mailer = Mailer(r0=ValueError("no"))
    await esdb_connection.persistent_subscriptions.create("s", "g", start=START)
    await add(esdb_connection, "s", 2)
    async with consuming(esdb_connection, "c", group("s", "g"), mailer, on_error={Exception: Park}) as consumer:
        await until(lambda: mailer.sent == [1])
        await until(lambda: consumer.status.handled == 2)
        mailer.failing.clear()
        assert await consumer.dead_letters.replay() == 1
        assert mailer.sent == [1, 0]


async def test_what_a_handler_returns_for_a_dead_letter_is_there_once(esdb_connection: Connection) -> None:
    """It is appended in one transaction with the note that the letter is settled, which leaves the checkpoint alone."""
    broken = {1}

    async def invoice(event: RecordedEvent) -> To:
        if event.revision in broken:
            raise ValueError
        return to("invoices", NewEvent("Sent", {"of": event.revision}))

    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", invoice, on_error={ValueError: Park}) as consumer:
        await until(lambda: consumer.status.place == 2)
        broken.clear()
        assert await consumer.dead_letters.replay() == 1
        assert [event.json()["of"] async for event in esdb_connection.read("invoices")] == [0, 2, 1]
        assert consumer.status.place == 2
    async with consuming(esdb_connection, "c", "s", invoice) as consumer:
        await until(lambda: consumer.status.is_live)
        assert len(await esdb_connection.read("invoices").to_list()) == 3


async def test_a_letter_whose_event_is_gone(esdb_connection: Connection) -> None:
    """It is settled, since nothing can be handled any more; the log says so."""
    mailer = Mailer(r0=ValueError())
    await add(esdb_connection, "s", 2)
    async with consuming(esdb_connection, "c", "s", mailer, on_error={ValueError: Park}) as consumer:
        await until(lambda: consumer.status.place == 1)
        await esdb_connection.set_metadata("s", StreamMetadata(truncate_before=1))
        [letter] = await consumer.dead_letters.list()
        assert await consumer.dead_letters.event(letter.number) is None
        assert await consumer.dead_letters.replay() == 0
        assert await consumer.dead_letters.list() == []


async def test_a_consumer_that_does_not_run_replays_later(esdb_connection: Connection) -> None:
    """Whoever asks is told that it was not done in time; it is done when the consumer runs again."""
    mailer = Mailer(r0=ValueError())
    await add(esdb_connection, "s", 1)
    async with consuming(esdb_connection, "c", "s", mailer, on_error={ValueError: Park}) as consumer:
        await until(lambda: consumer.status.place == 0)
    mailer.failing.clear()
    with pytest.raises(DeadlineExceeded):
        await consumer.dead_letters.replay(timeout=UNANSWERED)
    async with consuming(esdb_connection, "c", "s", mailer):
        await until(lambda: mailer.sent == [0])


async def test_a_bounded_retry_ends_in_what_it_says(esdb_connection: Connection) -> None:
    """After so many attempts the event is parked, unless something else is to be done then."""
    mailer = Mailer(r0=SmtpDown())
    await add(esdb_connection, "s", 2)
    async with consuming(
        esdb_connection, "c", "s", mailer, on_error={OSError: Retry(backoff=0, attempts=3)}
    ) as consumer:
        await until(lambda: mailer.sent == [1])
        [letter] = await consumer.dead_letters.list()
        assert letter.attempts == 3
        assert letter.error.endswith("test_dead_letters.SmtpDown")
    mailer.attempts = 0
    stops = Retry(backoff=0, attempts=2, then=Stop())
    async with consuming(esdb_connection, "d", "s", mailer, on_error={SmtpDown: stops}) as consumer:
        await until(lambda: consumer.status.state is ConsumerState.STOPPED)
        assert mailer.attempts == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [(SmtpDown(), Retry(backoff=30)), (ConnectionError(), Skip()), (OSError(), Skip()), (KeyError(), Retry())],
    ids=["its own class", "a subclass", "the class", "no class"],
)
async def test_the_nearest_class_counts(recorded: RecordedEvent, error: Exception, expected: object) -> None:
    """As with `except`, but wherever it stands in the table."""
    decide = policy({OSError: Skip, SmtpDown: Retry(backoff=30)})
    assert decide(recorded, error, 1) == expected


@pytest.fixture
async def recorded(esdb_connection: Connection) -> RecordedEvent:
    await add(esdb_connection, "s", 1)
    [event] = await esdb_connection.read("s").to_list()
    return event


async def test_one_decision_may_be_for_all_errors(recorded: RecordedEvent) -> None:
    """As a class, or as an object; the last one of a bounded retry, too."""
    assert policy(Park)(recorded, KeyError(), 1) == Park()
    assert policy(Retry(backoff=3))(recorded, KeyError(), 1) == Retry(backoff=3)
    assert Retry(attempts=2, then=Skip).after(2) == Skip()


def test_pauses_grow() -> None:
    """They double, up to a limit, and are a little different each time."""
    retry = Retry(backoff=1, longest=5)
    assert [round(min(retry.pause(n) for _ in range(200)), 1) for n in (1, 2, 3, 9)] == pytest.approx(
        [0.8, 1.6, 3.2, 4.0], abs=0.2
    )
    assert Retry(backoff=60).pause(5) >= 48


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "no table": (lambda: policy("park"), "on_error must be a table such as"),  # type: ignore[arg-type]
    "no class": (lambda: policy({"ValueError": Park}), "on_error: 'ValueError' is no class of exceptions"),  # type: ignore[dict-item]
    "no rule": (lambda: policy({ValueError: "park"}), r"for ValueError say Retry\(…\), Skip, Park or Stop, not 'park'"),  # type: ignore[dict-item]
    "backoff": (lambda: Retry(backoff=-1), "backoff must be a number of seconds"),
    "longest": (lambda: Retry(backoff=9, longest=3), "longest must not be less than backoff, which is 9 s"),
    "attempts": (lambda: Retry(attempts=0), "attempts must be between 1 and"),
    "then": (lambda: Retry(attempts=1, then="park"), "then must be Park, Skip or Stop, not 'park'"),  # type: ignore[arg-type]
    "again": (lambda: Retry(attempts=1, then=Retry()), r"then must be Park, Skip or Stop, not Retry\("),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("make", "says"), WRONG.values(), ids=WRONG)
def test_policies_that_can_not_be(make: Callable[[], object], says: str) -> None:
    """They are refused when the consumer is defined, with what would be right."""
    with pytest.raises(InvalidArgument, match=says):
        make()
