"""What tests decide about: an account, which is folded from recorded events in two ways."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fastapi_esdb import NewEvent, RecordedEvent


@dataclass(frozen=True)
class Account:
    """What its events have made of it."""

    cents: int = 0
    seen: tuple[int, ...] = ()
    """The revisions of all events that it is made of."""


class Overdrawn(Exception):
    """There is not enough in the account."""


class AccountDecider:
    """Used as a class, without an object."""

    initial = Account()

    @staticmethod
    def evolve(state: Account, event: RecordedEvent) -> Account:
        return replace(state, cents=state.cents + change(event), seen=(*state.seen, event.revision))


@dataclass
class MutableAccount:
    """An entity that changes."""

    cents: int = 0
    seen: list[int] = field(default_factory=list)

    def apply(self, event: RecordedEvent) -> None:
        self.cents += change(event)
        self.seen.append(event.revision)


def change(event: RecordedEvent) -> int:
    cents: int = event.json()["cents"]
    if event.type == "Broken":
        raise ValueError("an event that nobody can evolve by")
    return -cents if event.type == "Taken" else cents


def put(cents: int) -> NewEvent:
    return NewEvent("Put", {"cents": cents})


def take(account: Account | MutableAccount, cents: int) -> NewEvent:
    if account.cents < cents:
        raise Overdrawn
    return NewEvent("Taken", {"cents": cents})
