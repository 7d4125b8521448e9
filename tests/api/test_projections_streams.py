"""What projections leave in their streams: their changes, with properties, and their results."""

from __future__ import annotations

import pytest

from fastapi_esdb import Connection, InvalidArgument, NewEvent
from fastapi_esdb.api.projections import Projections
from tests.support.waiting import answered

TOTAL = """
fromStream("order-1")
  .when({ $init: () => ({ count: 0 }), Placed: (state) => { state.count += 1; return state; } })
  .outputState();
"""


@pytest.fixture
def projections(esdb: Connection) -> Projections:
    return esdb.projections


async def test_properties_of_a_change_are_kept_with_it(esdb: Connection, projections: Projections) -> None:
    """As metadata of the event that tells of it, for the creation and for each update."""
    await projections.create("total", TOTAL, properties={"by": "ada", "ticket": 7})
    await projections.update("total", TOTAL.replace("+= 1", "+= 10"))
    await projections.update("total", TOTAL, properties={"by": {"name": "bob"}})
    events = await esdb.read("$projections-total").to_list()
    assert [event.type for event in events] == ["$ProjectionUpdated"] * 3
    assert events[0].json_metadata() == {"by": "ada", "ticket": 7}
    assert events[1].metadata == b""
    assert events[2].json_metadata() == {"by": {"name": "bob"}}
    with pytest.raises(InvalidArgument, match="properties must be a mapping"):
        await projections.create("other", TOTAL, properties=[1])  # type: ignore[arg-type] # that is what is refused
    with pytest.raises(InvalidArgument, match="is not JSON"):
        await projections.update("total", TOTAL, properties={"when": b"now"})  # type: ignore[dict-item] # the same


async def test_the_result_of_a_deleted_projection_stays(esdb: Connection, projections: Projections) -> None:
    """Even if all that it wrote is to go, as on a real server; its other streams are gone."""
    await esdb.append("order-1", NewEvent("Placed", {}))
    await projections.create("total", TOTAL, emit_enabled=True, track_emitted_streams=True)
    result = "$projections-total-result"
    await answered(lambda: esdb.read(result, missing_ok=True).to_list(), len)
    await projections.disable("total")
    await answered(lambda: projections.statistics("total"), lambda told: told.status.startswith("Stopped"))
    await projections.delete(
        "total", delete_emitted_streams=True, delete_state_stream=True, delete_checkpoint_stream=True
    )
    assert [event.type for event in await esdb.read(result).to_list()] == ["Result"]
    assert not await esdb.read("$projections-total-checkpoint", missing_ok=True).to_list()
