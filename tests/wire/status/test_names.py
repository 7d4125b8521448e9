"""Names in errors."""

from __future__ import annotations

from hypothesis import given, settings

from fastapi_esdb.wire.admin.users import UserName
from fastapi_esdb.wire.errors import GroupFailed, GroupNotFound, StreamDeleted, UserNotFound
from fastapi_esdb.wire.groups.values import CreateGroup, GroupName
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.translation import error_of, status_of
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.wire.comparing import told
from tests.wire.values import NAMES


@settings(deadline=None)
@given(NAMES, NAMES)
def test_any_name_comes_back_as_it_was_given(stream: str, name: str) -> None:
    """Through trailers that hold nothing but printable ASCII."""
    for error, request in (
        (StreamDeleted(stream), ReadRequest(stream)),
        (GroupNotFound(stream, name), GroupName(stream, name)),
        (GroupFailed(stream, name, "no such strategy"), CreateGroup(stream, name)),
        (UserNotFound(name), UserName(name)),
    ):
        status = status_of(error)
        assert told(error_of(status.code, status.details, status.trailers, request)) == told(error)


def test_a_request_that_names_nothing_leaves_the_names_of_the_server() -> None:
    """A group of `$all` has no stream in its request, and some requests have no names at all."""
    trailers = [("exception", "persistent-subscription-does-not-exist"), ("stream-name", "$all"), ("group-name", "g")]
    for request in (GroupName(None, "g"), None):
        assert told(error_of(StatusCode.NOT_FOUND, "", trailers, request)) == told(GroupNotFound("$all", "g"))
