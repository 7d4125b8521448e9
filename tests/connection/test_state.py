"""The table of states."""

from itertools import product

import pytest

from fastapi_esdb.connection.state import MOVES, Change, ConnectionState, next_state


def test_a_connection_goes_round() -> None:
    """Opened, answered, lost, answered again, closed: each change leads to the state a reader expects."""
    state = ConnectionState.CLOSED
    passed = []
    for change in (Change.OPENED, Change.ANSWERED, Change.LOST, Change.ANSWERED, Change.CLOSED):
        state = next_state(state, change)
        passed.append(state.value)
    assert passed == ["connecting", "connected", "connecting", "connected", "closed"]


@pytest.mark.parametrize(("state", "change"), [pair for pair in product(ConnectionState, Change) if pair not in MOVES])
def test_a_move_that_is_not_in_the_table_is_refused(state: ConnectionState, change: Change) -> None:
    """Whatever the table does not have raises, and says what was possible and what was asked."""
    with pytest.raises(RuntimeError, match=f"{state}.*not {change.value}"):
        next_state(state, change)


def test_every_state_but_closed_can_be_closed() -> None:
    """Closing is possible from wherever a connection is."""
    assert {state for state, change in MOVES if change is Change.CLOSED} == set(ConnectionState) - {
        ConnectionState.CLOSED
    }
