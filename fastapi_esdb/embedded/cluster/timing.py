"""Times of a cluster, in seconds; of a pair, one is chosen at random between the two each time."""

from __future__ import annotations

Span = tuple[float, float]

TICK = 0.05
"""Seconds between two looks at the clock."""

HEARTBEAT = 0.25
"""Seconds between two messages of a leader that it is alive, and of every node about its state."""

LEASE = 3.0
"""Seconds that a leader goes on without an answer of the majority. No other node can lead before `SILENCE` is over."""

SILENCE: Span = (3.9, 4.8)
"""After how long a leader that says nothing counts as gone; real ones took 3.9 to 4.5 s (a frozen leader)."""

DEAD_AFTER = 3.6
"""After how long a node that says nothing is told of as dead: before another one leads in its place."""

AFTER_LOSS: Span = (0.25, 0.75)
"""The same for a leader whose process has ended; until then it is named as the leader, as by real nodes."""

BETWEEN_TRIES: Span = (0.15, 0.5)
"""Seconds that a candidate waits for votes before it asks again."""

AFTER_VOTE: Span = (0.5, 1.0)
"""Seconds that a node waits for the candidate that it voted for, or in whose favour it resigned."""
