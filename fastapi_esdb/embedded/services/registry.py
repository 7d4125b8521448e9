"""Binds the methods of the protocol to their handlers."""

from __future__ import annotations

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.binding import Binding
from fastapi_esdb.embedded.indexes.subsystem import Indexes
from fastapi_esdb.embedded.membership import Membership
from fastapi_esdb.embedded.services.admin import ClusterService, MonitoringService, OperationService
from fastapi_esdb.embedded.services.appends import AppendService, Inflow
from fastapi_esdb.embedded.services.appends_v2 import AtomicAppendService
from fastapi_esdb.embedded.services.batches import BatchService
from fastapi_esdb.embedded.services.indexes import IndexService
from fastapi_esdb.embedded.services.reads import ReadService
from fastapi_esdb.embedded.services.users import UserService
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.admin import operations, users
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.admin.indexes import (
    CREATE_INDEX,
    DELETE_INDEX,
    GET_INDEX,
    LIST_INDEXES,
    START_INDEX,
    STOP_INDEX,
)
from fastapi_esdb.wire.admin.monitoring import STATS
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION


def bind_streams(binding: Binding, database: Database, access: Access, limits: Limits, reads: ReadService) -> None:
    """Bind the Streams services of both APIs."""
    inflow = Inflow()
    appends = AppendService(database, access, limits, inflow)
    atomic = AtomicAppendService(database, access, limits, inflow)
    binding.bind(READ, reads.read)
    binding.bind(APPEND, appends.append)
    binding.bind(DELETE, appends.delete)
    binding.bind(TOMBSTONE, appends.tombstone)
    binding.bind(BATCH_APPEND, BatchService(database, access, limits, inflow).batch_append)
    binding.bind(APPEND_SESSION, atomic.append_session)
    binding.bind(APPEND_RECORDS, atomic.append_records)


def bind_indexes(binding: Binding, indexes: Indexes) -> None:
    """Bind the Indexes service."""
    service = IndexService(indexes)
    binding.bind(CREATE_INDEX, service.create)
    binding.bind(START_INDEX, service.start)
    binding.bind(STOP_INDEX, service.stop)
    binding.bind(DELETE_INDEX, service.delete)
    binding.bind(LIST_INDEXES, service.list)
    binding.bind(GET_INDEX, service.get)


def bind_cluster(binding: Binding, membership: Membership) -> None:
    """Bind the services Gossip and ServerFeatures, and the operation that concerns the cluster."""
    cluster = ClusterService(membership, binding.methods)
    binding.bind(operations.RESIGN_NODE, cluster.resign)
    binding.bind(GOSSIP, cluster.gossip)
    binding.bind(SUPPORTED_METHODS, cluster.supported_methods)


def bind_users(binding: Binding, access: Access) -> None:
    """Bind the Users service, on a server that has users."""
    if access.accounts is None:
        return
    service = UserService(access.accounts)
    binding.bind(users.CREATE_USER, service.create)
    binding.bind(users.UPDATE_USER, service.update)
    binding.bind(users.DELETE_USER, service.delete)
    binding.bind(users.ENABLE_USER, service.enable)
    binding.bind(users.DISABLE_USER, service.disable)
    binding.bind(users.CHANGE_PASSWORD, service.change_password)
    binding.bind(users.RESET_PASSWORD, service.reset_password)
    binding.bind(users.USER_DETAILS, service.details)


def bind_operations(binding: Binding, service: OperationService) -> None:
    """Bind the Operations service, except for its calls about persistent subscriptions and the cluster."""
    binding.bind(operations.START_SCAVENGE, service.start_scavenge)
    binding.bind(operations.STOP_SCAVENGE, service.stop_scavenge)
    binding.bind(operations.SHUTDOWN, service.shut_down)
    for method in (operations.MERGE_INDEXES, operations.SET_NODE_PRIORITY):
        binding.bind(method, service.acknowledge)


def bind_monitoring(binding: Binding, service: MonitoringService) -> None:
    """Bind the Monitoring service."""
    binding.bind(STATS, service.stats)
