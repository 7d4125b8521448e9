"""Calls that a server lacks, judged by the list of those it has."""

from __future__ import annotations

from typing import Any, cast

import pytest

from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.preflight import is_lacking, offered
from fastapi_esdb.connection.transport import Transport
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethod, SupportedMethods
from fastapi_esdb.wire.groups.methods import READ_GROUP, TRUNCATE_PARKED
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.streams.methods import READ
from tests.conformance.fixtures import exchanges, to_message
from tests.connection.conftest import Listener


def named(*methods: Method[Any, Any]) -> SupportedMethods:
    """A server that names these."""
    names = (SupportedMethod(method.service.lower(), method.name.lower()) for method in methods)
    return SupportedMethods("24.6.0", tuple(names))


def lacking(server: SupportedMethods) -> set[str]:
    """The paths of all calls that are not sent to a server that names such methods."""
    channel = Channel(cast("Transport", None), Host("localhost", 2113), Listener(), is_encrypted=False)
    channel.offers = offered(server)
    return {method.path for method in all_methods() if is_lacking(channel, method)}


def test_what_is_not_named_is_lacking() -> None:
    """By service and name: `Read` of one service is not `Read` of another."""
    lacks = lacking(named(READ))
    assert READ.path not in lacks
    assert READ_GROUP.path in lacks
    unasked = {SUPPORTED_METHODS.path, TRUNCATE_PARKED.path}
    assert lacks == {method.path for method in all_methods()} - {READ.path} - unasked


def test_the_call_that_was_just_answered_is_there() -> None:
    """It is what a connection is probed with, too."""
    assert SUPPORTED_METHODS.path not in lacking(named(READ))


def test_a_server_that_names_nothing_lacks_nothing() -> None:
    """One before 21.10 can't tell."""
    assert lacking(SupportedMethods("", ())) == set()


SINCE_25 = {method.path for method in all_methods() if ".v2." in method.service}


@pytest.mark.parametrize(("version", "lacks"), [("24.6.0", SINCE_25), ("26.1.0", set[str]())])
def test_what_real_servers_lack(version: str, lacks: set[str]) -> None:
    """Their lists are complete: recorded ones lack nothing but what came later."""
    codec = SUPPORTED_METHODS.response
    found = (e for e in exchanges("cluster") if (e.version, e.scenario) == (version, "supported_methods"))
    [message] = [to_message(codec.message, response) for exchange in found for response in exchange.responses]
    assert lacking(codec.decode(message)) == lacks
