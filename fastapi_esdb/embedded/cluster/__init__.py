"""A cluster of embedded servers: each a process of its own, one of them the leader, all with the same log."""

from fastapi_esdb.embedded.cluster.cluster import EmbeddedCluster
from fastapi_esdb.embedded.cluster.node_process import ClusterNode, NodeFault

__all__ = ["ClusterNode", "EmbeddedCluster", "NodeFault"]
