"""Which handler carries out which method of the protocol."""

from __future__ import annotations

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.binding import Binding
from fastapi_esdb.embedded.services.appends import AppendService
from fastapi_esdb.embedded.services.batches import BatchService
from fastapi_esdb.embedded.services.cluster import ClusterService, Node
from fastapi_esdb.embedded.services.reads import ReadService
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Clock, Database
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
