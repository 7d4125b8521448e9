"""Scripts: the engine, which lets nobody come to harm, and the handlers: events, states, and what they write."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace

import pytest

from fastapi_esdb.embedded.projections.handling import Emitted
from fastapi_esdb.embedded.projections.script import MEMORY_LIMIT, Script, ScriptFailed, require_engine
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import OCTET_STREAM
from tests.embedded.projections.support import Scripted, record

BRIEF = 0.2

COUNT = "$init: () => ({n: 0})"


def failure(source: str) -> str:
    with pytest.raises(ScriptFailed) as failed:
        Script(source, time_limit=BRIEF)
    return str(failed.value)


@pytest.mark.parametrize(
    "source",
    [
        "while (true);",
        "while (true) { try { while (true); } catch (e) {} }",
        "/^(a+)+$/.test('a'.repeat(50) + '!')",
        "(function again() { try { again() } finally { again() } })()",
    ],
)
def test_an_endless_script(source: str) -> None:
    """A script that does not end is stopped, whatever it tries."""
    assert failure(source) == "the script took too long, and was stopped"


def test_too_much_memory() -> None:
    """A script that takes too much memory fails alone."""
    assert failure("const all = []; for (;;) all.push('x'.repeat(1 << 20) + all.length)") == (
        f"the script used more than {MEMORY_LIMIT} bytes of memory"
    )


def test_too_deep() -> None:
    """Endless recursion is an error like any other."""
    assert "Maximum call stack size exceeded" in failure("(function deeper() { return deeper() + 1 })()")


@pytest.mark.parametrize(("thrown", "told"), [("new TypeError('no')", "TypeError: no"), ("'plain'", "plain")])
def test_what_is_thrown(thrown: str, told: str) -> None:
    """What a script throws is what its failure says."""
    assert failure(f"throw {thrown}").startswith(told)


def test_each_call_has_its_own_time() -> None:
    """The time limit is for a call, not for all calls together."""
    script = Script("fromAll().when({$any: (s) => { for (let i = 0; i < 200000; i++) s.n = i }})", time_limit=BRIEF)
    script.call("seal")
    script.call("load", None)
    event = '{"eventType": "T", "isJson": true, "bodyRaw": "{}"}'
    assert all(script.call("handle", event) for _ in range(30))


def test_nothing_of_the_server_is_there() -> None:
    """A script finds the language and the projections' functions, no modules, files or timers."""
    found = Script("fromAll(); var all = Object.getOwnPropertyNames(globalThis).sort().join()")
    found.call("seal")
    for name in ("require", "process", "std", "os", "print", "setTimeout", "fetch", "Python"):
        with pytest.raises(ScriptFailed, match=f"{name} is not defined"):
            Script(f"fromAll(); {name}")


def test_a_text_that_is_none() -> None:
    """A lone half of a surrogate pair is no text, which is a failure like any other."""
    script = Script("fromAll().partitionBy(() => '\\ud800')")
    script.call("seal")
    assert script.call("partition", "{}") in ('"\\ud800"', '"�"')


def test_a_text_that_the_engine_does_not_take() -> None:
    """One with a NUL fails like one that does not parse."""
    with pytest.raises(ScriptFailed, match="null character"):
        Script("fromAll()\x00")


def test_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine is not installed, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "quickjs", None)
    with pytest.raises(InvalidArgument, match=r"pip install 'fastapi-esdb\[projections\]'"):
        require_engine()
    with pytest.raises(InvalidArgument, match="JavaScript"):
        Script("fromAll()")


def test_a_state_that_is_changed() -> None:
    """A handler that returns nothing has changed the state that it was given."""
    assert Scripted(f"fromAll().when({{{COUNT}, T(s) {{ s.n++ }}}})").feed(record(), record()).state() == {"n": 2}


def test_a_state_that_is_returned() -> None:
    """What a handler returns is the new state."""
    assert Scripted(f"fromAll().when({{{COUNT}, T: (s) => ({{n: s.n + 1}})}})").feed(record()).state() == {"n": 1}


@pytest.mark.parametrize(("returned", "state"), [("null", None), ("5", 5), ("'text'", "text"), ("[1, 2]", [1, 2])])
def test_states_of_all_kinds(returned: str, state: object) -> None:
    """A state can be any JSON; null is none."""
    assert Scripted(f"fromAll().when({{$any: () => {returned}}})").feed(record()).state() == state


def test_without_init() -> None:
    """A state begins as an empty object."""
    assert Scripted("fromAll().when({T(s) { s.a = 1 }})").feed(record()).state() == {"a": 1}


def test_without_handlers() -> None:
    """Without handlers the last event's data is the state."""
    assert Scripted("fromAll().outputState()").feed(record(data={"n": 1}), record(data={"n": 2})).state() == {"n": 2}


def test_any_is_for_the_rest() -> None:
    """$any gets the events that have no handler of their own."""
    script = Scripted(
        "fromAll().when({$init: () => [], T(s) { s.push('T') }, $any(s, e) { s.push('any ' + e.eventType) }})"
    )
    assert script.feed(record(), record(event_type="U")).state() == ["T", "any U"]


def test_types_with_odd_names() -> None:
    """A type can have any name, also one that every object has a property of."""
    script = Scripted("fromAll().when({constructor: () => 1, $any: () => 2})")
    assert script.feed(record(event_type="constructor")).state() == 1
    assert script.feed(record(event_type="toString")).state() == 2


def test_what_a_handler_is_told() -> None:
    """An event has its position, its data and its metadata, parsed and raw."""
    event = record("cat-1", 7, "T", {"a": [1]}, metadata=b'{"m": true}')
    script = Scripted("fromCategory('cat').when({$any: (s, e) => e})").feed(event)
    assert script.state() == {
        "bodyRaw": '{"a": [1]}',
        "category": "cat",
        "eventId": str(event.id),
        "eventType": "T",
        "isJson": True,
        "linkMetadataRaw": '{"m": true}',
        "metadataRaw": '{"m": true}',
        "partition": "",
        "sequenceNumber": 7,
        "streamId": "cat-1",
        "body": {"a": [1]},
        "data": {"a": [1]},
        "metadata": {"m": True},
        "linkMetadata": {"m": True},
    }


def test_the_metadata_of_a_link() -> None:
    """An event that a link led to comes with the metadata of both."""
    found = replace(record(metadata=b'{"of": "event"}'), link=record("$ce-a", metadata=b'{"of": "link"}'))
    script = Scripted("fromAll().when({$any: (s, e) => [e.metadata.of, e.linkMetadata.of]})").feed(found)
    assert script.state() == ["event", "link"]


def test_data_that_is_no_json() -> None:
    """Bytes that are not JSON are there as text alone."""
    event = record(raw=b"plain \xff", content_type=OCTET_STREAM)
    script = Scripted("fromAll().when({$any: (s, e) => [e.isJson, e.bodyRaw, e.data === undefined]})").feed(event)
    assert script.state() == [False, "plain �", True]


def test_broken_json_is_parsed_when_asked_for() -> None:
    """A handler that does not look at broken data does not fail on it."""
    broken = record(raw=b"{broken")
    assert Scripted("fromAll().when({$any: (s, e) => e.bodyRaw})").feed(broken).state() == "{broken"
    with pytest.raises(ScriptFailed, match="JSON"):
        Scripted("fromAll().when({$any: (s, e) => e.data})").feed(broken)


@pytest.mark.parametrize("raw", [b"", b"  "])
def test_empty_events(raw: bytes) -> None:
    """An event without data has no handler called; the state begins nevertheless."""
    script = Scripted(f"fromAll().when({{{COUNT}, $any(s) {{ s.n++ }}}})").feed(record(raw=raw))
    assert script.state() == {"n": 0}


def test_a_state_for_each_stream() -> None:
    """foreachStream keeps a state for each stream; a stream's metadata belongs to it."""
    script = Scripted(f"fromAll().foreachStream().when({{{COUNT}, $any(s) {{ s.n++ }}}})")
    script.feed(record("a"), record("b"), record("a"), record("$$a", event_type="$metadata"))
    assert (script.state("a"), script.state("b"), script.state()) == ({"n": 3}, {"n": 1}, None)


def test_a_state_for_each_partition() -> None:
    """partitionBy chooses the partition; a number counts as a text, and what is neither leaves the event out."""
    source = (
        "fromAll().partitionBy(e => e.data.key).when({$init: () => ({n: 0}), $any(s, e) { s.n++; s.p = e.partition }})"
    )
    script = Scripted(source).feed(*(record(data={"key": key}) for key in ("x", 5, None, "x", True)), record())
    assert script.state("x") == {"n": 2, "p": "x"}
    assert script.state("5") == {"n": 1, "p": "5"}
    assert len(script.rules.partitions.states) == 2


def test_new_partitions_are_told() -> None:
    """The first event of a partition makes it known, and calls $created."""
    script = Scripted("fromAll().foreachStream().when({$created(s, e) { s.by = e.eventType }, $any(s) { s.n = 1 }})")
    script.feed(record("a"), record("b"), record("a"))
    assert script.state("a") == {"by": "T", "n": 1}
    assert [(event.stream, event.data) for event in script.results] == [
        ("$projections-p-partitions", "a"),
        ("$projections-p-partitions", "b"),
    ]


def test_deletions() -> None:
    """$deleted changes the state of the stream that was deleted."""
    script = Scripted("fromAll().foreachStream().when({$any(s) { s.n = 1 }, $deleted(s, e, p) { s.gone = p }})")
    assert script.feed(record("a")).feed(record("$$a"), deleted="a").state("a") == {"n": 1, "gone": "a"}


def test_a_shared_state() -> None:
    """With $initShared a handler has the state of the partition and one for all, and can return both."""
    source = (
        "fromAll().foreachStream().when({$init: () => ({n: 0}), $initShared: () => ({all: 0}),"
        "T(s) { s[0].n++; s[1].all++ }, U: (s) => [{n: 10}, {all: s[1].all + 10}]})"
    )
    script = Scripted(source).feed(record("a"), record("b"), record("a"), record("b", event_type="U"))
    assert (script.state("a"), script.state("b"), script.state()) == ({"n": 2}, {"n": 10}, {"all": 13})


def test_results_are_transformed_and_filtered() -> None:
    """Transformations and filters are applied in order; what a filter refuses is no result."""
    source = (
        f"fromAll().when({{{COUNT}, $any(s) {{ s.n++ }}}})"
        ".transformBy(s => ({double: s.n * 2})).filterBy(s => s.double > 2).transformBy(s => s.double)"
    )
    script = Scripted(source).feed(record())
    assert (script.state(), script.result()) == ({"n": 1}, None)
    assert script.feed(record()).result() == 4
    assert [(event.type, event.data) for event in script.results] == [("Result", "4")]


def test_a_result_that_goes() -> None:
    """A result that is filtered out later is told to be gone."""
    source = "fromAll().when({$any: (s, e) => e.data.n}).filterBy(n => n > 0).outputState()"
    script = Scripted(source).feed(record(data={"n": 1}), record(data={"n": 0}))
    assert [event.type for event in script.results] == ["Result", "ResultRemoved"]


def test_a_result_that_stays() -> None:
    """A state that does not change has no new result."""
    script = Scripted("fromAll().when({$any: () => ({})}).outputState()").feed(record(), record())
    assert len(script.results) == 1


def test_results_of_partitions() -> None:
    """A partition's result has a stream of its own, and the stream of all results a link to it."""
    script = Scripted("fromAll().foreachStream().when({$any: () => 1}).outputState()").feed(record("a"))
    assert script.results[1:] == [
        Emitted("$projections-p-a-result", "Result", "1", is_json=True),
        Emitted("$projections-p-result", "$>", links_last_of="$projections-p-a-result"),
    ]


def test_what_is_written() -> None:
    """emit, linkTo and linkStreamTo write events, in order; copyTo does nothing."""
    source = (
        "fromAll().when({T(s, e) {"
        "emit('out', 'E', {a: 1}, {m: [1]}); emit('out', 'F', []); linkTo('links', e); linkTo('links', e, {x: 1});"
        "linkStreamTo('streams', 'a'); copyTo('nowhere', e)"
        "}})"
    )
    assert Scripted(source).feed(record("a", 3)).emitted == [
        Emitted("out", "E", '{"a":1}', is_json=True, metadata={"m": [1]}),
        Emitted("out", "F", "[]", is_json=True),
        Emitted("links", "$>", "3@a"),
        Emitted("links", "$>", "3@a", metadata={"x": 1}),
        Emitted("streams", "$@", "a"),
    ]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("emit()", "the event's type must be a string"),
        ("emit('out', 'E')", "the event's body must be an object"),
        ("emit('out', '', {})", "the event's type must not be empty"),
        ("emit('out', 1, {})", "the event's type must be a string"),
        ("emit(' ', 'E', {})", "the stream must not be empty"),
        ("emit('out', 'E', {}, 1)", "the metadata must be an object"),
        ("linkTo('out')", "the event to link to must be an object"),
        ("linkTo('out', {})", "Invalid link to event undefined@undefined"),
        ("linkStreamTo('out', '')", "the linked stream must not be empty"),
    ],
)
def test_mistakes_in_what_is_written(call: str, reason: str) -> None:
    """Arguments that are wrong are the handler's failure."""
    with pytest.raises(ScriptFailed) as failed:
        Scripted(f"fromAll().when({{$any() {{ {call} }}}})").feed(record())
    assert reason in str(failed.value)


def test_logging(caplog: pytest.LogCaptureFixture) -> None:
    """What a handler logs is in the server's log."""
    with caplog.at_level(logging.INFO):
        Scripted("fromAll().when({$any() { log('seen', {n: 1}) }})").feed(record())
    assert caplog.messages == ['projection p: seen ,{"n":1}']


def test_a_failing_handler() -> None:
    """An error in a handler is the failure, with its text and where it was thrown."""
    with pytest.raises(ScriptFailed, match="Error: boom\n    at T "):
        Scripted("fromAll().when({T() { throw new Error('boom') }})").feed(record())


def test_states_come_back() -> None:
    """A partition whose state was loaded goes on with it."""
    first = Scripted(f"fromAll().foreachStream().when({{{COUNT}, $any(s) {{ s.n++ }}}})").feed(record("a"), record("b"))
    second = Scripted(first.source)
    second.rules.partitions = first.rules.partitions
    assert second.feed(record("a"), record("b"), record("a")).state("a") == {"n": 3}
    assert not second.results
