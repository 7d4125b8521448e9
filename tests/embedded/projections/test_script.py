"""The JavaScript engine: what it answers, and that nobody comes to harm."""

from __future__ import annotations

import sys

import pytest

from fastapi_esdb.embedded.projections.script import MEMORY_LIMIT, Script, ScriptFailed, require_engine
from fastapi_esdb.wire.errors import InvalidArgument

BRIEF = 0.2


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
