"""The tree of errors that the reference shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi_esdb import errors

LINE = re.compile(r"^    (?P<branch>[│├└─ ]*)(?P<names>[A-Z]\w+((, |: )[A-Z]\w+)*)", re.MULTILINE)
INDENT = 4


def drawn() -> Iterator[tuple[str, str]]:
    """Each name in the drawing, with the one that it hangs on."""
    above: list[str] = []
    for line in LINE.finditer(errors.__doc__ or ""):
        depth, names = len(line["branch"]) // INDENT, re.split(", |: ", line["names"])
        del above[depth:]
        for name in names:
            yield name, above[-1] if above else "Exception"
        above.append(names[0])


def test_the_tree_is_drawn_as_it_is() -> None:
    """Every error hangs below one that it is a kind of, and none is missing."""
    pairs = dict(drawn())
    classes = {name: found for name in errors.__all__ if isinstance(found := getattr(errors, name), type)}
    kinds = {name: kind for name, kind in classes.items() if issubclass(kind, Exception)}
    assert set(pairs) == set(kinds)
    for name, parent in pairs.items():
        assert issubclass(kinds[name], kinds.get(parent, Exception)), f"{name} is no {parent}"


def test_every_error_says_what_it_is() -> None:
    """Python writes a docstring of its own for a dataclass without one, and it says nothing."""
    kinds = [getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)]
    assert not [kind for kind in kinds if not kind.__doc__ or kind.__doc__.startswith(f"{kind.__name__}(")]


def test_a_violation_is_told_in_words() -> None:
    """Not by the numbers that the protocol has for what is no revision."""
    states = [(7, -1), (-1, 3), (-4, -5), (-2, -6)]
    found = errors.ConsistencyViolation(
        tuple(errors.Violation(number, "s", *state) for number, state in enumerate(states))
    )
    assert str(found).split("; ") == [
        "'s' was expected at 7 and is at NO_STREAM",
        "'s' was expected at NO_STREAM and is at 3",
        "'s' was expected at STREAM_EXISTS and is at its deletion",
        "'s' was expected at ANY and is at its tombstone",
    ]
