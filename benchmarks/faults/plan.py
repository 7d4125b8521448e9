"""Which faults are made, in which order."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.faults.kinds import Fault, freeze, kill, resign, restart

KILL, FREEZE, RESIGN, RESTART = "kill", "freeze", "resign", "restart"


@dataclass(slots=True)
class Share:
    """The faults of a kind that are still to be made, and how many go into one round."""

    kind: str
    fault: Fault
    left: int
    per_round: int


def shares(kills: int, freezes: int, resignations: int, restarts: int, freeze_seconds: float) -> list[Share]:
    """Rounds are short, so that the log stays small and a node that has forgotten it gets it soon."""
    return [
        Share(KILL, kill, kills, 10),
        Share(FREEZE, freeze(freeze_seconds), freezes, 4),
        Share(RESIGN, resign, resignations, 10),
        Share(RESTART, restart, restarts, 5),
    ]
