"""Whether a server lets calls in that carry the pool's credentials, or none where the pool has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.call import StreamCall
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.gossip import says_not_ready
from fastapi_esdb.connection.liveness import ask_server
from fastapi_esdb.connection.state import Admission
from fastapi_esdb.wire.errors import AccessDenied, CalledAs, EsdbError, NotAuthenticated, ServerNotReady
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.settings.credentials import AnyCredentials
    from fastapi_esdb.wire.admin.cluster import SupportedMethods

ORDINARY_STREAM = "fastapi-esdb-probe"
"""It need not exist: whether an ordinary stream may be read is decided before."""

PATIENCE = 1.0
"""Seconds that a server has to say whether it lets a read without credentials in."""

FRAMES = 10
"""More than the answer to a read of one event has."""

AGAIN = Backoff(first=1.0, limit=30.0, jitter=0.2)
"""Between two questions to a server that refuses: some directories lock accounts that fail too often."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The answer of a server to a new connection."""

    server: SupportedMethods
    admission: Admission


async def greet(channel: Channel, credentials: AnyCredentials | None, deadline: Deadline) -> Greeting:
    """Have the server answer, with the credentials where they may travel on this channel.

    Raises what the call fails with, and `ServerNotReady` for a node that refuses since it is starting.
    """
    if credentials is None:
        server = await ask_server(channel, deadline)
        return Greeting(server, await _admission_of_nobody(channel, deadline))
    if not channel.takes_credentials:
        return Greeting(await ask_server(channel, deadline), Admission.GRANTED)
    try:
        return Greeting(await ask_server(channel, deadline, credentials), Admission.GRANTED)
    except NotAuthenticated as error:
        if await says_not_ready(channel):
            raise ServerNotReady from error
        return Greeting(await ask_server(channel, deadline), Admission.REFUSED)


async def _admission_of_nobody(channel: Channel, deadline: Deadline) -> Admission:
    """Ask by a read: servers with users tell everybody what they can do, and let nobody read."""
    call = StreamCall(channel.lease(), READ)
    until = min(deadline, Deadline.after(PATIENCE))
    try:
        await call.start([ReadRequest(ORDINARY_STREAM, limit=1)], until)
        # to its end: gRPC sends a ping when it breaks a call off, and a server that freezes then would owe the answer
        await call.read(until.left(), FRAMES)
    except AccessDenied:
        return Admission.MISSING
    except EsdbError:
        pass  # it says nothing of credentials
    finally:
        call.close()
    return Admission.GRANTED


def speaks_against(error: EsdbError) -> bool:
    """Return whether a call failed for the pool's credentials, or for having none, and not for what its caller did."""
    if isinstance(error, NotAuthenticated):
        return error.called_as is CalledAs.CONNECTION
    return isinstance(error, AccessDenied) and error.called_as is CalledAs.NOBODY
