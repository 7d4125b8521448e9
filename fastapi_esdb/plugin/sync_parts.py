"""The parts of the connection for `def` endpoints: the calls of `Connection`'s parts, blocking.

Each call is named here, since only so type checkers and editors see its parameters and its answer; a test compares
the names with those of the API.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, Unpack, cast, overload

from fastapi_esdb.api.calls import Options
from fastapi_esdb.api.indexes import Indexes
from fastapi_esdb.api.monitoring import Cluster
from fastapi_esdb.api.operations import Operations
from fastapi_esdb.api.persistent_subscriptions import PersistentSubscriptions
from fastapi_esdb.api.projections import Model, Projections
from fastapi_esdb.api.schemas import Schemas
from fastapi_esdb.api.users import Users
from fastapi_esdb.plugin.blocking import Blocking, blocking, iterating

ModelType = TypeVar("ModelType", bound=Model)


class StateCall(Protocol):
    """A call for a projection's state: as JSON, or as a pydantic `model`."""

    @overload
    def __call__(
        self, name: str, *, partition: str = "", model: type[ModelType], **options: Unpack[Options]
    ) -> ModelType: ...
    @overload
    def __call__(self, name: str, *, partition: str = "", model: None = None, **options: Unpack[Options]) -> Any: ...


class SyncPersistentSubscriptions(Blocking[PersistentSubscriptions]):
    """See `PersistentSubscriptions`; consumers are for `async def` endpoints."""

    create = blocking(PersistentSubscriptions.create)
    update = blocking(PersistentSubscriptions.update)
    delete = blocking(PersistentSubscriptions.delete)
    info = blocking(PersistentSubscriptions.info)
    list = blocking(PersistentSubscriptions.list)
    replay_parked = blocking(PersistentSubscriptions.replay_parked)
    truncate_parked = blocking(PersistentSubscriptions.truncate_parked)
    restart = blocking(PersistentSubscriptions.restart)


class SyncProjections(Blocking[Projections]):
    """See `Projections`."""

    create = blocking(Projections.create)
    create_transient = blocking(Projections.create_transient)
    create_one_time = blocking(Projections.create_one_time)
    update = blocking(Projections.update)
    delete = blocking(Projections.delete)
    enable = blocking(Projections.enable)
    disable = blocking(Projections.disable)
    abort = blocking(Projections.abort)
    reset = blocking(Projections.reset)
    state: StateCall = cast("StateCall", blocking(Projections.state))
    result: StateCall = cast("StateCall", blocking(Projections.result))
    statistics = blocking(Projections.statistics)
    list = blocking(Projections.list)
    restart = blocking(Projections.restart)


class SyncUsers(Blocking[Users]):
    """See `Users`."""

    create = blocking(Users.create)
    update = blocking(Users.update)
    delete = blocking(Users.delete)
    enable = blocking(Users.enable)
    disable = blocking(Users.disable)
    change_password = blocking(Users.change_password)
    reset_password = blocking(Users.reset_password)
    details = blocking(Users.details)
    list = blocking(Users.list)


class SyncOperations(Blocking[Operations]):
    """See `Operations`."""

    start_scavenge = blocking(Operations.start_scavenge)
    stop_scavenge = blocking(Operations.stop_scavenge)
    scavenge_progress = iterating(Operations.scavenge_progress)
    merge_indexes = blocking(Operations.merge_indexes)
    set_node_priority = blocking(Operations.set_node_priority)
    resign_node = blocking(Operations.resign_node)
    shutdown = blocking(Operations.shutdown)
    restart_persistent_subscriptions = blocking(Operations.restart_persistent_subscriptions)


class SyncIndexes(Blocking[Indexes]):
    """See `Indexes`."""

    create = blocking(Indexes.create)
    start = blocking(Indexes.start)
    stop = blocking(Indexes.stop)
    delete = blocking(Indexes.delete)
    list = blocking(Indexes.list)
    get = blocking(Indexes.get)


class SyncSchemas(Blocking[Schemas]):
    """See `Schemas`."""

    create = blocking(Schemas.create)
    update = blocking(Schemas.update)
    delete = blocking(Schemas.delete)
    get = blocking(Schemas.get)
    list = blocking(Schemas.list)
    latest = blocking(Schemas.latest)
    add_version = blocking(Schemas.add_version)
    delete_versions = blocking(Schemas.delete_versions)
    version = blocking(Schemas.version)
    version_by_id = blocking(Schemas.version_by_id)
    versions = blocking(Schemas.versions)
    name_of = blocking(Schemas.name_of)
    compare = blocking(Schemas.compare)
    register = blocking(Schemas.register)
    check = blocking(Schemas.check)
    attach = blocking(Schemas.attach)


class SyncCluster(Blocking[Cluster]):
    """See `Cluster`."""

    members = blocking(Cluster.members)
    supported_methods = blocking(Cluster.supported_methods)
    server_version = blocking(Cluster.server_version)
