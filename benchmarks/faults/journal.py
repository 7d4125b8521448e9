"""What one client has told so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from benchmarks.faults import load
from benchmarks.faults.entries import Acked, Delivered, Ended, Entry, Failed, Stopped


class Journal:
    """The entries of a client, sorted."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.acked: list[list[Acked]] = [[] for _ in range(load.WRITERS)]
        """By writer, in order."""
        self.failed: list[Failed] = []
        self.delivered: dict[str, list[str]] = {load.STREAM: [], load.ALL: [], load.CONSUMER: []}
        """The ids of the events that each of those who follow has got, in order."""
        self.ended: list[Ended] = []
        self.reopened: int | None = None
        """Known once the writers have stopped."""
        for entry in entries:
            self.add(entry)

    @property
    def has_stopped(self) -> bool:
        return self.reopened is not None

    @property
    def is_under_way(self) -> bool:
        """Whether all writers write and all who follow get something."""
        return all(self.acked) and all(self.delivered.values())

    def add(self, entry: Entry) -> None:
        """Take one more."""
        match entry:
            case Acked():
                self.acked[entry.writer].append(entry)
            case Failed():
                self.failed.append(entry)
            case Delivered():
                self.delivered[entry.follower].append(entry.event)
            case Ended():
                self.ended.append(entry)
            case Stopped():
                self.reopened = entry.reopened

    def is_back(self, since: float) -> bool:
        """Whether each writer has had a success since then."""
        return all(acks and acks[-1].time > since for acks in self.acked)

    def failures(self, begin: float, end: float) -> Counter[str]:
        """Appends that failed in this time, by error."""
        return Counter(failed.error for failed in self.failed if begin <= failed.time <= end)
