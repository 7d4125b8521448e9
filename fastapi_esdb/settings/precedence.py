"""Which of several settings counts.

| place; the first that has a setting wins  | may complete a connection string that stands in |
|-------------------------------------------|-------------------------------------------------|
| keyword arguments                         | any place                                       |
| the environment, or a secrets directory   | the environment, `.env`                         |
| the `.env` file                           | `.env`                                          |
| the connection string, for its options    |                                                 |

User name, password and options complete a connection string. Variables of the environment are often meant for the
app's first database: beside a connection string that is given in code they would send that database's password to
another host, or take the encryption away. So what completes a string never comes from a place that it wins over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings.sources import PydanticBaseEnvSettingsSource

from fastapi_esdb.errors import InvalidConnectionString
from fastapi_esdb.log import log
from fastapi_esdb.settings.choices import NodePreference, TransportKind
from fastapi_esdb.settings.connection_string import fields_named_in
from fastapi_esdb.settings.kinds import as_text
from fastapi_esdb.settings.options import OPTIONS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

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
    transport: TransportKind | None = None

    @field_validator(*_BY_FIELD)
    @classmethod
    def _check_option(cls, value: object, info: ValidationInfo) -> object:
        """Hold the value to what the option of the string takes."""
        return None if value is None else _BY_FIELD[str(info.field_name)].kind.parse(_text_of(value))

    def _option_values(self) -> dict[str, Any]:
        """Return the overrides that are set, by the name of their field."""
        values = {field: getattr(self, field) for field in _BY_FIELD}
        return {field: value for field, value in values.items() if value is not None}


def _text_of(value: object) -> str:
    """Return the text of a value; empty, which no option takes, for a number too long for Python to write."""
    try:
        return as_text(value)
    except ValueError:
        return ""


STRING, DEADLINE, DEFAULT_DEADLINE = "connection_string", "deadline", "default_deadline"
COMPLETING = ("username", "password", "allow_insecure_credentials", *(option.field for option in OPTIONS))
"""The settings that say something about the database that a connection string names."""


class Completing(PydanticBaseSettingsSource):
    """A source without what would complete a connection string of one of the `winners`: sources that win over it.

    What is left out although nothing else says it is logged as a warning. `name` is the source's in that line.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        source: PydanticBaseSettingsSource,
        name: str,
        winners: Mapping[str, PydanticBaseSettingsSource],
    ) -> None:
        super().__init__(settings_cls)
        self._source = source
        self._prefix = source.env_prefix if isinstance(source, PydanticBaseEnvSettingsSource) else ""
        self._name = name
        self._winners = winners

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return what the source itself has; pydantic-settings asks for the whole only."""
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """Return the settings of this source by name."""
        found = self._source()
        for winner, source in self._winners.items():
            found = self._beside(found, source(), winner)
        return found

    def _beside(self, found: dict[str, Any], winning: dict[str, Any], winner: str) -> dict[str, Any]:
        """Return what is left of the settings beside those of a source that wins."""
        said = {*winning, *_said_by(winning.get(STRING))}
        unwanted = {DEADLINE} if DEFAULT_DEADLINE in said else set()
        if STRING in winning:
            unwanted.update(COMPLETING)
            self._warn(sorted(unwanted.intersection(found) - said), winner)
        return {name: value for name, value in found.items() if name not in unwanted}

    def _warn(self, names: list[str], winner: str) -> None:
        if names:
            variables = ", ".join(f"{self._prefix}{name}".upper() for name in names)
            log.warning(
                "settings_left_out",
                f"{variables} in {self._name}: left out, since the connection string is given in {winner}; what "
                "completes it belongs there, too",
                settings=variables,
                place=self._name,
            )


def _said_by(string: object) -> frozenset[str]:
    """Return the settings that a connection string itself has; none if it is wrong, which is told elsewhere."""
    text = string.get_secret_value() if isinstance(string, SecretStr) else string
    try:
        return fields_named_in(text) if isinstance(text, str) else frozenset()
    except InvalidConnectionString:
        return frozenset()
