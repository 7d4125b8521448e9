"""Every error can be copied, pickled and shown: those who wait for one answer each get an error of their own."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb import errors
from fastapi_esdb.wire.errors import EsdbError, FieldViolation
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import NO_STREAM

ODD = (
    "s",
    "\x00\xff\ud800 ünïcode",
    b"\xff",
    None,
    -1,
    10**5000,
    NO_STREAM,
    Position(1, 2),
    (UUID(int=1), UUID(int=2)),
    (FieldViolation("a", "b"),),
)


def kinds(root: type[EsdbError] = EsdbError) -> Iterator[type[EsdbError]]:
    """All classes of errors that there are."""
    yield root
    for kind in root.__subclasses__():
        if kind.__module__.startswith("fastapi_esdb."):
            yield from kinds(kind)


def fields(kind: type[EsdbError]) -> list[str]:
    """What it holds, if anything."""
    return list(getattr(kind, "__match_args__", ()))


def by_name(kind: type[EsdbError], value: Any) -> EsdbError:
    return kind(**dict.fromkeys(fields(kind), value))


def by_place(kind: type[EsdbError], value: Any) -> EsdbError:
    return kind(*[value for _ in fields(kind)])


def pickled(error: EsdbError) -> EsdbError:
    found: EsdbError = pickle.loads(pickle.dumps(error))
    return found


@pytest.mark.parametrize("kind", dict.fromkeys(kinds()), ids=lambda kind: kind.__name__)
def test_a_copy_is_like_the_original(kind: type[EsdbError]) -> None:
    """However it was made, whatever it holds: of the same kind, with the same data, and an object of its own."""
    for value, made, again in product(ODD, (by_name, by_place), (copy.copy, copy.deepcopy, pickled)):
        error = made(kind, value)
        error.add_note("said beside it")
        other = again(error)
        assert type(other) is kind
        assert other is not error
        assert (vars(other), other.args) == (vars(error), error.args)


def test_the_public_errors_are_among_them() -> None:
    """None is left out by the way they are collected."""
    public = {found for name in errors.__all__ if isinstance(found := getattr(errors, name), type)}
    assert {kind for kind in public if issubclass(kind, EsdbError)} <= set(kinds())
