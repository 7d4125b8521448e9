"""The settings that stand in for options of the connection string."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from fastapi_esdb.settings.kinds import as_text
from fastapi_esdb.settings.node_preference import NodePreference
from fastapi_esdb.settings.options import OPTIONS

_BY_FIELD = {option.field: option for option in OPTIONS}


class OptionOverrides(BaseSettings):
    """One setting for each option of the connection string, in the option's unit; `None` leaves it to the string.

    What each means stands in `options.OPTIONS`.
    """

    tls: bool | None = None
    tls_verify_cert: bool | None = None
    tls_ca_file: Path | None = None
    user_cert_file: Path | None = None
    user_key_file: Path | None = Field(default=None, repr=False, exclude=True)
    connection_name: str | None = None
    node_preference: NodePreference | None = None
    dns_discover: bool | None = None
    max_discover_attempts: int | None = None
    discovery_interval: int | None = None
    gossip_timeout: int | None = None
    default_deadline: int | None = None
    keep_alive_interval: int | None = None
    keep_alive_timeout: int | None = None
    throw_on_append_failure: bool | None = None
    use_proxy: bool | None = None

    @field_validator(*_BY_FIELD)
    @classmethod
    def _check_option(cls, value: object, info: ValidationInfo) -> object:
        """Hold the value to what the option of the string takes."""
        return None if value is None else _BY_FIELD[str(info.field_name)].kind.parse(_text_of(value))

    def _option_values(self) -> dict[str, Any]:
        """The overrides that are set, by the name of their field."""
        values = {field: getattr(self, field) for field in _BY_FIELD}
        return {field: value for field, value in values.items() if value is not None}


def _text_of(value: object) -> str:
    """The text of a value; nothing, which is no value of any option, for a number too long for Python to write."""
    try:
        return as_text(value)
    except ValueError:
        return ""
