from __future__ import annotations

from dataclasses import dataclass

import pytest

from fastapi_esdb.wire.codec.fields import from_fields, nothing, options_codec, options_of, same_names, to_fields
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.proto.v1 import users_pb2 as pb


@dataclass(frozen=True, slots=True)
class Account:
    login_name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mistaken:
    nickname: str


NAMES = {"login_name": "full_name", "groups": "groups"}


def test_a_table_of_names() -> None:
    """Fields go over by their names in the table, and what repeats is a tuple on our side."""
    assert to_fields(Account("jim", ("dev",)), NAMES) == {"full_name": "jim", "groups": ("dev",)}
    details = pb.DetailsResp.UserDetails(full_name="jim", groups=["dev", "ops"])
    assert from_fields(details, NAMES) == {"login_name": "jim", "groups": ("dev", "ops")}


def test_same_names() -> None:
    """A value and a message may have the same names."""
    assert same_names(Account) == {"login_name": "login_name", "groups": "groups"}


def test_options_of_a_value() -> None:
    """A value becomes the options of a request, and the options the value."""
    codec = options_codec(pb.CreateReq, Account)
    message = codec.encode(Account("jim", ("dev",)))
    assert message == pb.CreateReq(options={"login_name": "jim", "groups": ["dev"]})
    assert codec.decode(message) == Account("jim", ("dev",))


def test_a_name_that_the_message_lacks() -> None:
    """A value that does not fit its message is noticed when the codec is made, not when it is used."""
    with pytest.raises(ValueError, match=r"Mistaken has fields that .*users\.CreateReq lacks: nickname"):
        options_codec(pb.CreateReq, Mistaken)


def test_a_request_without_options() -> None:
    """Servers fail at a request without options; here it is refused by its name."""
    with pytest.raises(InvalidArgument, match=r"event_store\.client\.users\.DeleteReq came without options"):
        options_of(pb.DeleteReq())


def test_nothing() -> None:
    """An empty message stands for None, and None for the empty message."""
    codec = nothing(pb.CreateResp)
    assert codec.encode(None) == pb.CreateResp()
    assert codec.decode(pb.CreateResp()) is None
