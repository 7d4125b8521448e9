"""The streams and types of events in which projections store their data (protocol 2.12, and recorded)."""

from __future__ import annotations

REGISTRATION_STREAM = "$projections-$all"
"""The stream of all projections; the revision of a projection's event in it is part of its id."""

CREATED_TYPE = "$ProjectionCreated"
DELETED_TYPE = "$ProjectionDeleted"
UPDATED_TYPE = "$ProjectionUpdated"
CHECKPOINT_TYPE = "$ProjectionCheckpoint"
PARTITION_TYPE = "$partition"
PARTITION_CHECKPOINT_TYPE = "$Checkpoint"
TRACKED_TYPE = "$StreamTracked"
RESULT_TYPE = "Result"
RESULT_REMOVED_TYPE = "ResultRemoved"
END_TYPE = "$Eof"
STREAM_REFERENCE_TYPE = "$@"


def definition_stream(name: str) -> str:
    """Return the stream with the definition of the projection: its query, mode and switches."""
    return f"$projections-{name}"


def checkpoint_stream(name: str, partition: str = "") -> str:
    """Return the stream with the progress and the state of the projection or, for a partition, its state alone."""
    return f"$projections-{name}-{partition}-checkpoint" if partition else f"$projections-{name}-checkpoint"


def partitions_stream(name: str) -> str:
    """Return the stream with the names of the partitions that have a state."""
    return f"$projections-{name}-partitions"


def result_stream(name: str, partition: str = "") -> str:
    """Return the stream for the results of the projection, unless its source names another stream."""
    return f"$projections-{name}-{partition}-result" if partition else f"$projections-{name}-result"


def tracking_stream(name: str) -> str:
    """Return the stream with the names of the streams that the projection wrote to, if it tracks them."""
    return f"$projections-{name}-emittedstreams"


def is_own_stream(name: str, stream: str) -> bool:
    """Return whether the stream belongs to projections of this name, including former ones."""
    return stream.startswith(f"$projections-{name}-")
