"""Which settings reach which database: what completes a connection string never comes from a place that it wins over.

Variables of the environment are often meant for the app's first database. Beside a connection string that is given in
code they would send that database's password to another host, or take the encryption away.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from pydantic_settings import PydanticBaseSettingsSource
from pydantic_settings.sources import PydanticBaseEnvSettingsSource

from fastapi_esdb.errors import InvalidConnectionString
from fastapi_esdb.settings.connection_string import fields_named_in
from fastapi_esdb.settings.options import OPTIONS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

logger = logging.getLogger("fastapi_esdb")

STRING, DEADLINE, DEFAULT_DEADLINE = "connection_string", "deadline", "default_deadline"
COMPLETING = ("username", "password", "allow_insecure_credentials", *(option.field for option in OPTIONS))
"""The settings that say something about the database that a connection string names."""


class Completing(PydanticBaseSettingsSource):
    """A source without what would complete a connection string of one of the `winners`: sources that win over it.

    What is left out although nothing else says it is logged as a warning. `place` is the name of the source there.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        source: PydanticBaseSettingsSource,
        place: str,
        winners: Mapping[str, PydanticBaseSettingsSource],
    ) -> None:
        super().__init__(settings_cls)
        self._source = source
        self._prefix = source.env_prefix if isinstance(source, PydanticBaseEnvSettingsSource) else ""
        self._place = place
        self._winners = winners

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """As the source itself has it; pydantic-settings asks for the whole only."""
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """The settings of this source by name."""
        found = self._source()
        for winner, source in self._winners.items():
            found = self._beside(found, source(), winner)
        return found

    def _beside(self, found: dict[str, Any], winning: dict[str, Any], winner: str) -> dict[str, Any]:
        """What is left of the settings beside those of a source that wins."""
        said = {*winning, *_said_by(winning.get(STRING))}
        unwanted = {DEADLINE} if DEFAULT_DEADLINE in said else set()
        if STRING in winning:
            unwanted.update(COMPLETING)
            self._warn(sorted(unwanted.intersection(found) - said), winner)
        return {name: value for name, value in found.items() if name not in unwanted}

    def _warn(self, names: list[str], winner: str) -> None:
        if names:
            variables = ", ".join(f"{self._prefix}{name}".upper() for name in names)
            logger.warning(
                "%s in %s: left out, since the connection string is given in %s; what completes it belongs there, too",
                variables,
                self._place,
                winner,
            )


def _said_by(string: object) -> frozenset[str]:
    """The settings that a connection string speaks of itself; none if it is wrong, which is told elsewhere."""
    text = string.get_secret_value() if isinstance(string, SecretStr) else string
    try:
        return fields_named_in(text) if isinstance(text, str) else frozenset()
    except InvalidConnectionString:
        return frozenset()
