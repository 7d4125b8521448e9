"""A cluster for all tests of a file: starting one takes a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from fastapi_esdb.embedded import EmbeddedCluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_cluster() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster() as cluster:
        yield cluster


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(running_cluster: EmbeddedCluster) -> AsyncIterator[EmbeddedCluster]:
    """The cluster, whole; what the test did to it is put right afterwards."""
    yield running_cluster
    await running_cluster.heal()
    for node in running_cluster.nodes:
        await running_cluster.thaw_node(node)
    await asyncio.gather(*map(running_cluster.start_node, running_cluster.nodes))
    await running_cluster.wait_joined()
