"""The SchemaRegistryService."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi_esdb.embedded.binding import Binding
from fastapi_esdb.embedded.calls import AnyCall
from fastapi_esdb.embedded.schemas.registry import Registry
from fastapi_esdb.wire.method import Method, Request, Response
from fastapi_esdb.wire.schemas import methods


def bind_schemas(binding: Binding, registry: Registry) -> None:
    """Bind the service, except for what no server has: groups, and several registrations in one call."""
    _bind(binding, methods.CREATE_SCHEMA, registry.create)
    _bind(binding, methods.UPDATE_SCHEMA, registry.update)
    _bind(binding, methods.DELETE_SCHEMA, lambda request: registry.delete(request.schema))
    _bind(binding, methods.REGISTER_VERSION, registry.register)
    _bind(binding, methods.DELETE_VERSIONS, registry.delete_versions)
    _query(binding, methods.GET_SCHEMA, lambda request: registry.get(request.schema))
    _query(binding, methods.LIST_SCHEMAS, registry.list)
    _query(binding, methods.LOOKUP_SCHEMA_NAME, lambda request: registry.name_of(request.version_id))
    _query(binding, methods.GET_VERSION, registry.version)
    _query(binding, methods.GET_VERSION_BY_ID, lambda request: registry.version_by_id(request.version_id))
    _query(binding, methods.LIST_VERSIONS, registry.versions)
    _query(binding, methods.LIST_REGISTERED, registry.list_registered)
    _query(binding, methods.CHECK_COMPATIBILITY, registry.check)


def _bind(
    binding: Binding, method: Method[Request, Response], command: Callable[[Request], Awaitable[Response]]
) -> None:
    async def carry_out(call: AnyCall) -> None:
        await call.send(await command(await call.request()))

    binding.bind(method, carry_out)


def _query(binding: Binding, method: Method[Request, Response], answer: Callable[[Request], Response]) -> None:
    async def carry_out(call: AnyCall) -> None:
        found: Any = answer(await call.request())
        await call.send(found)

    binding.bind(method, carry_out)
