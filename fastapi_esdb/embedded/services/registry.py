"""Which handler carries out which method of the protocol."""

from __future__ import annotations

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.access.accounts import Accounts
from fastapi_esdb.embedded.binding import Binding
from fastapi_esdb.embedded.services.appends import AppendService
from fastapi_esdb.embedded.services.batches import BatchService
from fastapi_esdb.embedded.services.cluster import ClusterService, Node
from fastapi_esdb.embedded.services.reads import ReadService
from fastapi_esdb.embedded.services.users import UserService
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.wire import users
from fastapi_esdb.wire.appends import APPEND
from fastapi_esdb.wire.batches import BATCH_APPEND
from fastapi_esdb.wire.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.deletes import DELETE, TOMBSTONE
from fastapi_esdb.wire.reads import READ


def bind_streams(binding: Binding, database: Database, access: Access, limits: Limits, clock: Clock) -> None:
    """The Streams service."""
    appends = AppendService(database, access, limits)
    binding.bind(READ, ReadService(database, access, clock).read)
    binding.bind(APPEND, appends.append)
    binding.bind(DELETE, appends.delete)
    binding.bind(TOMBSTONE, appends.tombstone)
    binding.bind(BATCH_APPEND, BatchService(database, access, limits).batch_append)


def bind_cluster(binding: Binding, node: Node, clock: Clock) -> None:
    """The Gossip and the ServerFeatures service."""
    cluster = ClusterService(node, binding.methods, clock)
    binding.bind(GOSSIP, cluster.gossip)
    binding.bind(SUPPORTED_METHODS, cluster.supported_methods)


def bind_users(binding: Binding, accounts: Accounts) -> None:
    """The Users service."""
    service = UserService(accounts)
    binding.bind(users.CREATE_USER, service.create)
    binding.bind(users.UPDATE_USER, service.update)
    binding.bind(users.DELETE_USER, service.delete)
    binding.bind(users.ENABLE_USER, service.enable)
    binding.bind(users.DISABLE_USER, service.disable)
    binding.bind(users.CHANGE_PASSWORD, service.change_password)
    binding.bind(users.RESET_PASSWORD, service.reset_password)
    binding.bind(users.USER_DETAILS, service.details)
