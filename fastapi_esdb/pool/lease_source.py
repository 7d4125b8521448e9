"""Where calls get their places on connections from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.choices import NodePreference


class LeaseSource(Protocol):
    """Where calls get their places from."""

    async def __call__(
        self, preference: NodePreference, deadline: Deadline, *, long_lived: bool, avoid: Channel | None
    ) -> Lease: ...
