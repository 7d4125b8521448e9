"""Everything that real servers answered to the services beside Streams goes through the converters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fastapi_esdb.wire.admin.users import UserDetails
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import (
    GroupConfirmed,
    GroupConnection,
    GroupEvent,
    GroupInfo,
    GroupReadOptions,
    GroupSettings,
    Nack,
    NackAction,
)
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.projections.values import ProjectionStatistics
from fastapi_esdb.wire.revisions import NO_STREAM
from fastapi_esdb.wire.streams_v2.values import Check, DeletedState, Record, StreamsAppended
from tests.conformance.fixtures import FIRST_POSITION, Exchange, each_of, exchanges, to_message, uuid_of

FILES = (
    "persistent",
    "projections",
    "secure_users",
    "secure_access",
    "operations",
    "follower_calls",
    "follower_v2",
    "v2_append_records",
    "v2_append_session",
    "v2_indexes",
    "v2_registry",
)
METHODS = {method.path: method for method in all_methods()}
EXCHANGES = {str(exchange): exchange for exchange in exchanges(*FILES) if f"/{exchange.rpc}" in METHODS}
"""Without those about calls that no server has."""

CREATED = datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)

REFUSED_WITHOUT_A_WORD = "Exception was thrown by handler."


def method_of(exchange: Exchange) -> Method[Any, Any]:
    return METHODS[f"/{exchange.rpc}"]


def position(number: int) -> Position:
    """The position that a recording calls by that number."""
    return Position(FIRST_POSITION + number, FIRST_POSITION + number)


@each_of(e for e in EXCHANGES.values() if e.responses)
def test_responses(exchange: Exchange) -> None:
    """Each answer becomes a value from which the same message can be made: nothing of it is lost."""
    codec = method_of(exchange).response
    for response in exchange.responses:
        message = to_message(codec.message, response)
        assert codec.encode(codec.decode(message)) == message


@each_of(e for e in EXCHANGES.values() if e.requests)
def test_requests(exchange: Exchange) -> None:
    """Each request that a server took becomes a value, the same after another round; a malformed one is refused."""
    codec = method_of(exchange).request
    for request in exchange.requests:
        message = to_message(codec.message, request)
        if is_malformed(exchange):
            with pytest.raises(InvalidArgument):
                codec.decode(message)
        else:
            value = codec.decode(message)
            assert codec.decode(codec.encode(value)) == value


def is_malformed(exchange: Exchange) -> bool:
    """Whether the server saw from the request alone that it can't be, without understanding JavaScript and filters."""
    status = exchange.status or {"code": "OK", "details": ""}
    if status["details"].startswith(("Filter must be", "Field selector must be", "Index reads")):
        return False
    return status["code"] == "INVALID_ARGUMENT" or (
        status["details"] == REFUSED_WITHOUT_A_WORD and exchange.rpc.endswith(("AppendRecords", "CreateSchema"))
    )


def values_of(name: str) -> list[Any]:
    """What a caller sees of the answers of one exchange."""
    exchange = EXCHANGES[name]
    codec = method_of(exchange).response
    return [codec.decode(to_message(codec.message, response)) for response in exchange.responses]


def asked_in(name: str) -> list[Any]:
    """What a server sees of the requests of one exchange."""
    exchange = EXCHANGES[name]
    codec = method_of(exchange).request
    return [codec.decode(to_message(codec.message, request)) for request in exchange.requests]


def event(name: str, revision: int, data: bytes, place: Position) -> RecordedEvent:
    """An event of stream a as it was recorded."""
    return RecordedEvent(uuid_of(name), "a-run", revision, "T", data, b"", JSON, CREATED, place)


@pytest.mark.parametrize("version", ["24.6.0", "26.1.0"])
class TestWhatACallerSees:
    """A selection of recorded answers, written down as the values that they mean."""

    def test_a_delivery(self, version: str) -> None:
        """A consumer is confirmed and gets the events in order, none of them repeated."""
        confirmed, first, second, third = values_of(f"{version}/persistent/group_info/4")
        assert confirmed == GroupConfirmed("@subscription_id")
        assert first == GroupEvent(event("e0", 0, b'{"n":0}', position(2)), 0)
        assert second == GroupEvent(event("e1", 1, b'{"n":1}', position(3)), 0)
        assert third == GroupEvent(event("e2", 2, b'{"n":2}', position(1)), 0)

    def test_a_repeat(self, version: str) -> None:
        """A retried event says how often it came before."""
        (again,) = values_of(f"{version}/persistent/group_nack_retry/7")
        assert again == GroupEvent(event("e0", 0, b'{"n":0}', position(1)), 2)

    def test_a_replayed_event(self, version: str) -> None:
        """A replayed event comes with its link in the stream of parked events, and is first there again."""
        (replayed,) = values_of(f"{version}/persistent/group_nack_park_replay/9")
        assert replayed == GroupEvent(
            RecordedEvent(
                uuid_of("e0"), "a-run", 0, "T", b'{"n":0}', b"", JSON, CREATED, position(3), parked_link(replayed)
            ),
            retry_count=0,
        )

    def test_a_group(self, version: str) -> None:
        """A group tells its settings, its places and its one consumer."""
        (info,) = values_of(f"{version}/persistent/group_info/5")
        assert info == GroupInfo(
            "a-run",
            "g",
            "Live",
            GroupSettings(),
            start=0,
            last_known=2,
            connections=(
                GroupConnection(username="system", name="<unknown>", total_items=3, available_slots=7, in_flight=3),
            ),
            total_items=3,
            in_flight=3,
            outstanding=3,
        )

    def test_groups(self, version: str) -> None:
        """A list has every group of the stream, and is empty when they are gone."""
        (groups,) = values_of(f"{version}/persistent/group_list/2")
        assert [info.group for info in groups] == ["g1", "g2"]
        assert values_of(f"{version}/persistent/group_list/5") == [()]

    def test_what_a_consumer_asks(self, version: str) -> None:
        """The frames of a consumer arrive as what they mean."""
        assert asked_in(f"{version}/persistent/group_nack_park_replay/2") == [GroupReadOptions("a-run", "g", 10)]
        park = Nack((uuid_of("e0"),), NackAction.PARK, "because")
        assert asked_in(f"{version}/persistent/group_nack_park_replay/4") == [park]

    def test_a_projection(self, version: str) -> None:
        """State and result are plain, and their whole numbers are ints."""
        assert values_of(f"{version}/projections/project_streams/4") == [{"t": 2, "u": 1}]
        assert repr(values_of(f"{version}/projections/project_output_state/4")) == "[{'double': 4}]"
        (create,) = asked_in(f"{version}/projections/project_emit_and_link/1")
        assert (create.name, create.emit_enabled) == ("prun", True)

    def test_statistics(self, version: str) -> None:
        """A projection that has run tells its status in several words."""
        (statistics,) = values_of(f"{version}/projections/project_transient/4")
        assert statistics == ProjectionStatistics(
            name="prun",
            status="Completed/Stopped/Writing results",
            mode="Transient",
            progress=100.0,
            position=str(position(2).commit),
            last_checkpoint="Phase: 1 (completed)",
            effective_name="prun",
            epoch=-1,
            partitions_cached=1,
        )

    def test_a_user(self, version: str) -> None:
        """An account tells everything but its password."""
        (details,) = values_of(f"{version}/secure_users/user_lifecycle/6")
        assert details == UserDetails("urun", "Other Name", ("ops", "dev"), disabled=True, last_updated=CREATED)


def parked_link(replayed: GroupEvent) -> RecordedEvent:
    """The link of a replayed event, whose metadata hold the moment and the reason of its parking."""
    link = replayed.event.link
    assert link is not None
    assert link.json_metadata()["reason"] == "Client explicitly NAK'ed message.\nbecause"
    stream = "$persistentsubscription-a-run::g-parked"
    parked = RecordedEvent(uuid_of("2"), stream, 0, "$>", b"0@a-run", link.metadata, OCTET_STREAM, CREATED, position(3))
    assert link == parked
    return link


def test_a_transaction_over_streams() -> None:
    """Records of two streams are written in one call, which tells where each of the streams is now."""
    (asked,) = asked_in("26.1.0/v2_append_records/records_interleaved/0")
    assert [record.stream for record in asked.records] == ["a-run", "b-run", "a-run"]
    assert asked.records[1] == Record(uuid_of("f0"), "T", b'{"n":1}', stream="b-run")
    (done,) = values_of("26.1.0/v2_append_records/records_interleaved/0")
    assert done == StreamsAppended({"a-run": 1, "b-run": 0}, position(1))


def test_checks_of_deleted_streams() -> None:
    """Checks may expect a stream to be deleted, for now or for good."""
    (asked,) = asked_in("26.1.0/v2_append_records/records_check_states/4")
    assert asked.checks == (Check("a-run", DeletedState.SOFT_DELETED), Check("b-run", DeletedState.TOMBSTONED))


def test_a_session() -> None:
    """A session expects something of each stream and tells where each of them is now."""
    first, second = asked_in("26.1.0/v2_append_session/session_two_streams/0")
    assert [first.expected, first.stream] == [NO_STREAM, "a-run"]
    assert second.records[0].properties == {"k": "v", "n": 1}
    (done,) = values_of("26.1.0/v2_append_session/session_two_streams/0")
    assert done == StreamsAppended({"a-run": 1, "b-run": 0}, position(1))
