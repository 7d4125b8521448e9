"""The status codes of gRPC."""

from __future__ import annotations

import grpc

from fastapi_esdb.wire.status.codes import StatusCode


def test_the_codes_are_those_of_grpc() -> None:
    """Each by the same name and number, none more and none less."""
    assert {code.name: code.value for code in StatusCode} == {code.name: code.value[0] for code in grpc.StatusCode}


def test_a_number_that_is_not_defined_is_an_unknown_failure() -> None:
    """As gRPC itself reads it: a call that ended so has failed, and nothing more is known."""
    assert StatusCode(99) is StatusCode.UNKNOWN
