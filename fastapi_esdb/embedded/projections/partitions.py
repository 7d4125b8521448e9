"""The states of a projection: one, or one for each partition."""

from __future__ import annotations

from dataclasses import dataclass, field

ROOT = ""
"""The only partition of a projection without partitions, or the state that all partitions share."""


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A state and its result, both JSON, or `None` if there is none."""

    state: str | None = None
    result: str | None = None


NO_STATE = PartitionState()


@dataclass(slots=True)
class Partitions:
    """The states by partition. `changed` are those for the next checkpoint."""

    states: dict[str, PartitionState] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def __contains__(self, partition: str) -> bool:
        return partition in self.states

    def __len__(self) -> int:
        """Return the number of partitions; the root always exists."""
        return len(self.states.keys() | {ROOT})

    def get(self, partition: str) -> PartitionState:
        return self.states.get(partition, NO_STATE)

    def put(self, partition: str, state: PartitionState) -> None:
        if self.states.get(partition) != state:
            self.states[partition] = state
            self.changed.add(partition)
