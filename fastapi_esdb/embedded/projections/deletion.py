"""The streams that the deletion of a projection deletes, and those that it leaves."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_esdb.embedded.projections.checkpoints import Checkpoints
from fastapi_esdb.embedded.projections.names import tracking_stream
from fastapi_esdb.embedded.projections.run import Run
from fastapi_esdb.embedded.projections.settings import Settings
from fastapi_esdb.embedded.projections.writing import all_events, delete_stream
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.work import Breaks
from fastapi_esdb.wire.projections.values import DeleteProjection


async def delete_streams(database: Database, settings: Settings, run: Run | None, request: DeleteProjection) -> None:
    """Delete, softly, those streams of the projection that the request names."""
    if request.delete_emitted_streams and settings.track_emitted_streams:
        await _delete_emitted(database, settings)
    if request.delete_state_stream and run:
        breaks = Breaks()
        for stream in set(_result_streams(settings, run)):
            await delete_stream(database, stream)
            await breaks.take()
    if request.delete_checkpoint_stream:
        await Checkpoints(database, settings).delete()


async def _delete_emitted(database: Database, settings: Settings) -> None:
    tracking = tracking_stream(settings.name)
    breaks = Breaks()
    for record in [record async for record in all_events(database, tracking)]:
        await delete_stream(database, record.data.decode(errors="replace"))
        await breaks.take()
    await delete_stream(database, tracking)


def _result_streams(settings: Settings, run: Run) -> Iterator[str]:
    for partition in run.partitions.states:
        yield run.definition.results_of(settings.name, partition)
    yield run.definition.results_of(settings.name)
