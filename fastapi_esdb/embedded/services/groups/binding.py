"""Binds the methods of the PersistentSubscriptions service to their handlers."""

from __future__ import annotations

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.binding import Binding
from fastapi_esdb.embedded.services.groups.directory import Groups
from fastapi_esdb.embedded.services.groups.service import GroupService
from fastapi_esdb.wire.admin.operations import RESTART_PERSISTENT_SUBSCRIPTIONS
from fastapi_esdb.wire.groups.methods import (
    CREATE_GROUP,
    DELETE_GROUP,
    GROUP_INFO,
    LIST_GROUPS,
    READ_GROUP,
    REPLAY_PARKED,
    RESTART_GROUPS,
    UPDATE_GROUP,
)


def bind_groups(binding: Binding, groups: Groups, access: Access) -> None:
    """Bind the service, and the operation that restarts it."""
    service = GroupService(groups, access)
    binding.bind(CREATE_GROUP, service.create)
    binding.bind(UPDATE_GROUP, service.update)
    binding.bind(DELETE_GROUP, service.delete)
    binding.bind(READ_GROUP, service.read)
    binding.bind(GROUP_INFO, service.info)
    binding.bind(LIST_GROUPS, service.list_groups)
    binding.bind(REPLAY_PARKED, service.replay_parked)
    binding.bind(RESTART_GROUPS, service.restart)
    binding.bind(RESTART_PERSISTENT_SUBSCRIPTIONS, service.restart)
