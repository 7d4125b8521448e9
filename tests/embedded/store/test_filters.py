"""Filters: the regular expressions of .NET, as far as they go, and their bounds."""

from __future__ import annotations

import time

import pytest

from fastapi_esdb.embedded.store.dotnet_regex import MAX_LENGTH, MAX_LITERAL
from fastapi_esdb.embedded.store.filters import MAX_PREFIXES, TIME_LIMIT, compile_filter
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter


def matches(pattern: str, text: str) -> bool:
    return compile_filter(EventFilter(by_stream=True, regex=pattern))(text, "")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\p{L}+$", "Müller"),
        (r"\P{Lu}", "a"),
        (r"\p{IsGreek}", "α"),
        (r"\p{IsBasicLatin}", "a"),
        (r"(?<n>a)\k<n>", "aa"),
        (r"(?'n'a)\k'n'", "aa"),
        (r"^a\Z", "a\n"),
        (r"^[a-z-[aeiou]]+$", "bcd"),
        (r"^[^a-[b]]$", "c"),
        (r"[]a]", "]"),
        (r"[[:alpha:]]", ":]"),
        (r"^[+--]$", ","),
        (r"[a&&b]", "&"),
        (r"[\b]", "\x08"),
        (r"a{,3}", "a{,3}"),
        (r"a{e<=1}", "a{e<=1}"),
        (r"^x{3}$", "xxx"),
        (r"a(?i)b", "aB"),
        (r"(?n:(a))", "a"),
        (r"(?#anything)a", "a"),
        (r"(?<n>x)?(?(n)a|b)", "xa"),
        (r"(?<=a+)b", "aab"),
        (r"(?>a+)b", "aab"),
        (r"\cA\e\u0041\x42", "\x01\x1bAB"),
        (r"\d", "٣"),
        (r"^[^$].*", "order-1"),
        (r"^[^\$].*", "order-1"),
    ],
)
def test_what_matches(pattern: str, text: str) -> None:
    """A filter understands what .NET does, also where Python's own syntax has none or another."""
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^a\z", "a\n"),
        (r"^[a-z-[aeiou]]+$", "bad"),
        (r"^[^a-[b]]$", "b"),
        (r"\p{IsBasicLatin}", "α"),
        (r"(?i)ss", "ß"),
        (r"a(?i:b)c", "aBC"),
        (r"^[^$].*", "$metadata"),
        (r"^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
    ],
)
def test_what_does_not(pattern: str, text: str) -> None:
    """And it finds nothing where .NET finds nothing."""
    assert not matches(pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "[a", "*a", "a++", "a{2}{3}", "x{2,1}", "[z-a]", "(?", "(?<", "\\", r"\h", r"\x4", r"\p{Foo}"),
        *("(?P<n>a)", "(?R)", "(?x)a", "(?<a-b>x)", r"\2(a)", "[a-z-[b]c]", r"[\z]"),
        *("((a{1000}){1000}){1000}", "a" * (MAX_LITERAL + 1), "(" * 200 + ")" * 200, "a|" * MAX_LENGTH),
    ],
)
def test_what_is_no_regex(pattern: str) -> None:
    """What .NET can't parse, and what is too large, is refused as an argument, in a text that fits into a header."""
    with pytest.raises(InvalidArgument, match=r"the filter's regex .* is not valid: ") as caught:
        matches(pattern, "")
    assert len(str(caught.value)) < 1000


def test_a_regex_that_has_no_end() -> None:
    """A pattern that has very many ways to match is given up after its time, and the error says what to do."""
    began = time.process_time()
    with pytest.raises(InvalidArgument, match=r"takes more than 0\.02 s for .*repetition within a repetition"):
        matches(r"^(a|aa)+$", "a" * 100 + "b")
    assert time.process_time() - began < 20 * TIME_LIMIT


def test_prefixes() -> None:
    """Prefixes have a bound, too."""
    wanted = compile_filter(EventFilter(by_stream=True, prefixes=("a", "b")))
    assert [wanted(name, "") for name in ("a1", "b", "c", "")] == [True, True, False, False]
    with pytest.raises(InvalidArgument, match=f"may have {MAX_PREFIXES}"):
        compile_filter(EventFilter(by_stream=True, prefixes=("a",) * (MAX_PREFIXES + 1)))
