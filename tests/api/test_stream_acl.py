"""Access lists."""

from __future__ import annotations

from typing import Any

import pytest

from fastapi_esdb.api.metadata import StreamAcl
from fastapi_esdb.wire.errors import InvalidArgument


def test_a_right_may_go_to_one_or_to_several() -> None:
    """One name is a list of one; what is left out falls back to the default."""
    acl = StreamAcl(read="$all", write=["alice", "bob"])
    assert (acl.read, acl.write, acl.delete) == (("$all",), ("alice", "bob"), None)


def test_the_keys_are_the_servers() -> None:
    """protocol: `$acl` with `$r`, `$w`, `$d`, `$mr`, `$mw`."""
    acl = StreamAcl("r", "w", "d", "mr", "mw")
    assert acl.to_json() == {"$r": ["r"], "$w": ["w"], "$d": ["d"], "$mr": ["mr"], "$mw": ["mw"]}


def test_nobody_is_not_the_default() -> None:
    """An empty list gives the right to `$admins` alone, `None` to whom the default gives it."""
    assert StreamAcl(write=[]).to_json() == {"$w": []}
    assert StreamAcl().to_json() == {}


@pytest.mark.parametrize("acl", [StreamAcl(), StreamAcl("a", ["b", "c"], [], None, "$admins")])
def test_a_list_comes_back_as_it_was_written(acl: StreamAcl) -> None:
    """Also where servers keep a single name as a text."""
    assert StreamAcl.from_json(acl.to_json()) == acl
    assert StreamAcl.from_json({"$r": "alice"}) == StreamAcl(read="alice")


@pytest.mark.parametrize("names", [7, [7], [""], ""])
def test_what_is_no_name_is_refused(names: Any) -> None:
    """The error names the right."""
    with pytest.raises(InvalidArgument, match=r"acl\.write"):
        StreamAcl(write=names)


def test_a_list_must_be_an_object() -> None:
    """Anything else is no access list."""
    with pytest.raises(InvalidArgument, match="acl must be a JSON object"):
        StreamAcl.from_json(["alice"])
