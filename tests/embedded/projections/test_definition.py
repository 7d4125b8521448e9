"""What a source can say of what it reads and makes."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.script import ScriptFailed
from fastapi_esdb.embedded.projections.tags import Tag
from fastapi_esdb.wire.positions import Position
from tests.embedded.projections.support import Scripted, defined, record


@pytest.mark.parametrize(
    ("source", "definition"),
    [
        ("fromAll()", Definition()),
        ("fromStream('a')", Definition(("a",))),
        ("fromStreams(['a', 'b'])", Definition(("a", "b"))),
        ("fromStreams('a', 'b', 'a')", Definition(("a", "b"))),
        ("fromCategory('c')", Definition(("$ce-c",), category="c")),
        ("fromCategory(['c', 'd'])", Definition(("$ce-c", "$ce-d"))),
        ("fromCategories('c', 'd')", Definition(("$ce-c", "$ce-d"))),
        ("fromCategories(['c'])", Definition(("$ce-c",))),
        ("fromAll().foreachStream().when({})", Definition(by_stream=True)),
        ("fromAll().partitionBy(e => e.eventType).when({})", Definition(by_partition=True)),
        ("fromAll().when({T: () => {}, U: () => {}})", Definition(types=frozenset("TU"))),
        ("fromAll().when({T: () => {}, $any: () => {}})", Definition()),
        ("fromAll().when({$init: () => 1})", Definition()),
        ("fromAll().when({$initShared: () => 1})", Definition(shares_state=True)),
        ("fromAll().foreachStream().when({$deleted: () => 1})", Definition(by_stream=True, handles_deleted=True)),
        ("fromAll().when({T: 'no function'})", Definition()),
        ("fromAll().outputState()", Definition(outputs_state=True)),
        ("fromAll().when({}).outputState().outputTo('r')", Definition(outputs_state=True, result_stream="r")),
        (
            "fromAll().when({}).outputTo('r', 'r-{0}')",
            Definition(result_stream="r", partition_result_stream="r-{0}"),
        ),
        ("fromAll().when({}).transformBy(s => s)", Definition(outputs_state=True)),
        ("fromAll().when({}).filterBy(s => s)", Definition(outputs_state=True)),
        ("fromAll().when({}).$defines_state_transform()", Definition(outputs_state=True)),
        (
            "options({$includeLinks: true, reorderEvents: true, processingLag: 5}); fromAll()",
            Definition(includes_links=True),
        ),
        ("options({resultStreamName: 'r'}); fromAll()", Definition(result_stream="r")),
        ("options({biState: true}); fromAll()", Definition(shares_state=True)),
        ("fromAll(); on_event('T', () => {}); on_event('U', () => {})", Definition(types=frozenset("TU"))),
        ("fromAll(); on_any(() => {})", Definition()),
        ("var chain = fromStream('a'); chain.when({}); chain.outputState()", Definition(("a",), outputs_state=True)),
    ],
)
def test_forms(source: str, definition: Definition) -> None:
    """Every form of a source, a selector, an option and an output is understood as a real server does."""
    assert defined(source) == definition


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("fromStream('a').when({", "SyntaxError"),
        ("throw new Error('boom')", "boom"),
        ("missing()", "missing is not defined"),
        ("1 + 1", "a projection reads fromAll()"),
        ("fromAll(); fromStream('a')", "a projection reads fromAll()"),
        ("fromStream(1)", "fromStream's argument must be a string"),
        ("fromStreams(['a', 1])", "a stream must be a string"),
        ("fromCategory(1)", "a category must be a string"),
        ("fromStream('a').foreachStream()", "not a function"),
        ("fromAll().foreachStream().outputState()", "not a function"),
        ("fromAll().when({}).when({})", "not a function"),
        ("fromAll().partitionBy('T')", "partitionBy's argument must be a function"),
        ("fromAll().when({}).transformBy(1)", "transformBy's argument must be a function"),
        ("fromAll().when({}).filterBy()", "filterBy's argument must be a function"),
        ("fromAll().when({}).outputTo(1)", "outputTo's stream must be a string"),
        ("fromAll().when({$initShared: () => 1, $deleted: () => 1})", "$deleted can't be handled"),
        ("on_event(1, () => {})", "on_event's type must be a string"),
        ("options({colour: 'red'})", "Unrecognized option: colour"),
        ("options({$includeLinks: 1})", "$includeLinks must be a boolean"),
    ],
)
def test_mistakes(source: str, reason: str) -> None:
    """A source that is wrong fails, and says what is wrong."""
    with pytest.raises(ScriptFailed) as failed:
        defined(source)
    assert reason in str(failed.value)


def test_defining_ends_with_the_source() -> None:
    """A handler can't change what the projection reads, and a source can't write while it is evaluated."""
    with pytest.raises(ScriptFailed, match="fromAll is not defined"):
        Scripted("fromAll().when({$any() { fromAll() }})").feed(record())
    with pytest.raises(ScriptFailed, match="emit is not defined"):
        defined("emit('a', 'T', {})")


def test_places_at_the_start() -> None:
    """A projection begins before everything, and one of some types in `$all` keeps their positions too."""
    assert str(Definition().start) == "C:0/P:-1"
    assert str(Definition(("a",)).start) == "a: -1"
    assert str(Definition(("a", "b")).start) == "a: -1; b: -1; "
    assert str(Definition(types=frozenset("UT")).start) == "C:0/P:-1; T: -1; U: -1; "


@pytest.mark.parametrize(
    ("definition", "tag", "position"),
    [
        (Definition(("a", "b")), Tag(streams={"a": 4}), "a: 4; b: -1; "),
        (Definition(("b",)), Tag(streams={"a": 4, "b": 2}), "b: 2"),
        (Definition(("a",)), Tag(Position(7, 7)), "a: -1"),
        (Definition(), Tag(Position(7, 7), {"T": -1}), "C:7/P:7"),
        (Definition(), Tag(streams={"a": 4}), "C:0/P:-1"),
    ],
)
def test_a_position_of_another_source(definition: Definition, tag: Tag, position: str) -> None:
    """With a new query a projection goes on where the old one was, as far as they read the same."""
    assert str(definition.fits(tag)) == position


def test_results_go_to_streams() -> None:
    """Results have streams of the projection's name, or those that the source names."""
    assert Definition().results_of("p") == "$projections-p-result"
    assert Definition().results_of("p", "x") == "$projections-p-x-result"
    named = Definition(result_stream="r", partition_result_stream="r-{0}")
    assert (named.results_of("p"), named.results_of("p", "x")) == ("r", "r-x")
