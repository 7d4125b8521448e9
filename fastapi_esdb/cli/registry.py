"""`register`: the schemas of an app's event types in the registry of the server."""

from __future__ import annotations

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.cli import output
from fastapi_esdb.cli.running import FAILED, connected
from fastapi_esdb.errors import InvalidArgument
from fastapi_esdb.events.__main__ import find_types
from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.wire.schemas.values import Compatibility

MODES = {mode.name.lower().replace("_", "-"): mode for mode in Compatibility if mode is not Compatibility.UNKNOWN}
"""The modes, as they are written in a terminal."""


async def register(where: str, compatibility: str, is_check: bool) -> int:
    """Register schemas or, in a check, only tell what speaks against it; return the exit status."""
    if compatibility not in MODES:
        raise InvalidArgument(f"--compatibility must be one of {', '.join(MODES)}, not {compatibility!r}")
    try:
        types = find_types(where)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InvalidArgument(str(error)) from error
    async with connected() as esdb:
        if await _refused(esdb, types):
            return FAILED
        if not is_check:
            ids = await esdb.schemas.register(types, compatibility=MODES[compatibility])
            found = [{"type": name, "version_id": version_id} for name, version_id in ids.items()]
            output.rows(("type", "version_id"), found, none="none of the event types has a JSON schema")
    return 0


async def _refused(esdb: Connection, types: EventTypes[object]) -> bool:
    """Tell everything that the registry has against the schemas; return whether there is anything."""
    refused = await esdb.schemas.check(types)
    for name, result in refused.items():
        for error in result.errors:
            output.complain(f"{name}: {error}")
    return bool(refused)
