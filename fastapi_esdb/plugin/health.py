"""The health routes: what probes ask. Every answer comes from cached state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from fastapi_esdb.connection.state import Admission
from fastapi_esdb.consumers.sources import Place, text_of
from fastapi_esdb.consumers.status import ConsumerState, ConsumerStatus
from fastapi_esdb.plugin.started import DEFAULT, RETRY_AFTER, Started, find_for, names_for

if TYPE_CHECKING:
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.pool.pool import ConnectionPool

PREFIX = "/health/esdb"

Status = Literal["pass", "warn", "fail"]
Reason = Literal[
    "not-started",
    "closed",
    "not-connected",
    "connections-missing",
    "credentials-refused",
    "credentials-missing",
    "consumer-stalled",
    "consumer-stopped",
]
SEVERITY: tuple[Status, ...] = ("pass", "warn", "fail")
NOT_ADMITTED: dict[Admission, Reason] = {
    Admission.REFUSED: "credentials-refused",
    Admission.MISSING: "credentials-missing",
}
Responses = dict[int | str, dict[str, Any]]


class ConnectionHealth(BaseModel):
    """One connection of the pool. `since` is when it came into its state, `attempts` how often it tried since."""

    name: str
    state: Literal["closed", "connecting", "connected"]
    since: datetime
    attempts: int


def _place_text(place: Place | None) -> str | None:
    return None if place is None else text_of(place)


def _type_name(kind: type | None) -> str | None:
    return None if kind is None else kind.__name__


PlaceText = Annotated[str | None, BeforeValidator(_place_text)]
"""A place, as checkpoints have it."""

TypeName = Annotated[str | None, BeforeValidator(_type_name)]
"""The type of an error: its text may show data."""


class ConsumerHealth(BaseModel):
    """A consumer as this process knows it; see `ConsumerStatus`. Its last error is told by its type."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    state: ConsumerState
    position: PlaceText
    lag_events: int
    lag_seconds: float
    handled: int
    parked: int
    last_error: TypeName


class Live(BaseModel):
    """The application answers."""

    status: Status = "pass"


class Check(BaseModel):
    """One thing that was looked at, in the form of draft-inadarei-api-health-check-06."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    component_id: str
    component_type: Literal["datastore", "component"] = "datastore"
    observed_value: int | str
    observed_unit: str | None = None
    status: Status
    time: datetime
    output: Reason | None = None


class Health(BaseModel):
    """`pass`: every connection is up; `warn`: some are; `fail`: none is, or the server lets no calls in.

    A consumer that stands still makes it `warn`, or `fail` if the app requires it.

    `reason` says why it is not `pass`. `details` only where they are switched on.
    """

    status: Status
    reason: Reason | None = None
    connections: list[ConnectionHealth] = []
    consumers: list[ConsumerHealth] | None = None
    checks: dict[str, list[Check]] = {}
    details: dict[str, Any] | None = None


class HealthResponse(JSONResponse):
    """health+json, never cached."""

    media_type = "application/health+json"

    def __init__(self, content: Health | Live, status_code: int = 200) -> None:
        headers = {"Cache-Control": "no-store"}
        if status_code == 503:  # noqa: PLR2004 - the status itself is the clearest name
            headers["Retry-After"] = RETRY_AFTER
        super().__init__(content.model_dump(mode="json", by_alias=True, exclude_none=True), status_code, headers)


def health_of(started: Started | None) -> Health:
    """The health of a pool; of none, where no lifespan has opened one."""
    if started is None:
        return Health(status="fail", reason="not-started")
    pool = started.pool
    checks = {"esdb:connections": [_connections_of(pool)], "esdb:credentials": [_credentials_of(pool)]}
    consumers = started.consumers()
    if consumers:
        checks["esdb:consumers"] = [_consumer_of(pool, *each) for each in consumers]
    worst = max(chain.from_iterable(checks.values()), key=lambda check: SEVERITY.index(check.status))
    return Health(
        status=worst.status,
        reason=worst.output,
        connections=[
            ConnectionHealth(name=c.name, state=c.state.value, since=c.since, attempts=c.attempts)
            for c in pool.connections
        ],
        consumers=[ConsumerHealth.model_validate(status) for _, status in consumers] or None,
        checks=checks,
        details=details_of(started) if pool.settings.health_details else None,
    )


def _connections_of(pool: ConnectionPool) -> Check:
    """How many connections are up."""
    stats = pool.stats()
    up, all_of_them = int(stats["connected"]), int(stats["connections"])
    if not up:
        return _check(pool, up, "fail", "closed" if pool.is_closed else "not-connected", unit="connections")
    if up < all_of_them:
        return _check(pool, up, "warn", "connections-missing", unit="connections")
    return _check(pool, up, "pass", unit="connections")


def _credentials_of(pool: ConnectionPool) -> Check:
    """Whether the server lets calls in, as far as it was heard."""
    reason = NOT_ADMITTED.get(pool.admission)
    return _check(pool, pool.admission.value, "fail" if reason else "pass", reason)


def _consumer_of(pool: ConnectionPool, definition: Definition, status: ConsumerStatus) -> Check:
    """Whether a consumer gets on. Without a connection it can't, and the check of these says so."""
    reason: Reason | None = None
    if pool.is_ready and status.stands_still_for > definition.stalled_after:
        reason = "consumer-stopped" if status.state is ConsumerState.STOPPED else "consumer-stalled"
    return Check(
        component_id=definition.name,
        component_type="component",
        observed_value=status.state.value,
        status="pass" if reason is None else "fail" if definition.required else "warn",
        time=datetime.now(UTC),
        output=reason,
    )


def _check(
    pool: ConnectionPool, value: int | str, status: Status, output: Reason | None = None, unit: str | None = None
) -> Check:
    return Check(
        component_id=pool.name,
        observed_value=value,
        observed_unit=unit,
        status=status,
        time=datetime.now(UTC),
        output=output,
    )


def details_of(started: Started) -> dict[str, Any]:
    """Return what `ESDB_HEALTH_DETAILS` adds: address, server, counters. Never a user or a password."""
    pool = started.pool
    return {"target": pool.address, "server_version": pool.server_version, "stats": pool.stats()}


def _answer(health: Health) -> HealthResponse:
    return HealthResponse(health, 503 if health.status == "fail" else 200)


def health_router(name: str, lifespan: Any) -> APIRouter:
    """The router of one `Esdb`: its lifespan, and the routes that probes ask."""
    prefix = PREFIX if name == DEFAULT else f"{PREFIX}/{name}"
    router = APIRouter(prefix=prefix, tags=["health"], lifespan=lifespan)
    _add_probes(router, name)
    if name != DEFAULT:
        _add_overall(router, name)
    return router


def _add_probes(router: APIRouter, name: str) -> None:
    async def health(request: Request) -> Response:
        """Whether EventStoreDB is connected, connection by connection."""
        return _answer(health_of(find_for(request, name)))

    async def live() -> Response:
        """The application is alive, whatever the database does."""
        return HealthResponse(Live())

    async def ready(request: Request) -> Response:
        """Whether the application can work: at least one connection is up."""
        return _answer(health_of(find_for(request, name)))

    unavailable: Responses = {503: {"model": Health, "description": "Not connected"}}
    _add_probe(router, "", health, operation_id=f"esdb_{name}_health", response_model=Health, responses=unavailable)
    _add_probe(router, "/live", live, operation_id=f"esdb_{name}_live", response_model=Live)
    _add_probe(router, "/ready", ready, operation_id=f"esdb_{name}_ready", response_model=Health, responses=unavailable)


def _add_probe(router: APIRouter, path: str, endpoint: Callable[..., Any], **documented: Any) -> None:
    """GET and HEAD; HEAD stays out of the schema, where it would double the operation."""
    router.get(path, response_class=HealthResponse, **documented)(endpoint)
    router.head(path, response_class=HealthResponse, include_in_schema=False)(endpoint)


def _add_overall(router: APIRouter, name: str) -> None:
    """What an app answers for all of its databases, where none of them is the default one.

    Each of them has these routes, so they stay out of the schema. The default one's own come first if its router does,
    and are what these answer with if not.
    """

    async def overall(request: Request) -> Response:
        """Whether every database is connected, with all of their connections."""
        names = names_for(request)
        wanted = {DEFAULT} if DEFAULT in names else {name, *names}
        return _answer(_together([health_of(find_for(request, each)) for each in sorted(wanted)]))

    async def live() -> Response:
        """The application is alive, whatever the databases do."""
        return HealthResponse(Live())

    for path, endpoint in (("", overall), ("/live", live), ("/ready", overall)):
        route = APIRoute(
            PREFIX + path, endpoint, methods=["GET", "HEAD"], response_class=HealthResponse, include_in_schema=False
        )
        router.routes.append(route)  # `add_api_route` would put the router's own prefix before it


def _together(healths: list[Health]) -> Health:
    """The health of several databases: as bad as that of the worst. What is kept for details is left to each."""
    worst = max(healths, key=lambda health: SEVERITY.index(health.status))
    checks: dict[str, list[Check]] = {}
    for name, found in (item for health in healths for item in health.checks.items()):
        checks.setdefault(name, []).extend(found)
    connections = [each for health in healths for each in health.connections]
    consumers = [each for health in healths for each in health.consumers or ()]
    return Health(
        status=worst.status, reason=worst.reason, connections=connections, consumers=consumers or None, checks=checks
    )
