"""Everything that can be set, from keyword arguments, the environment and a `.env` file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, NoReturn, Self

from pydantic import Field, Secret, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.choices import AppendMode, NodePreference
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.credentials import AnyCredentials, Credentials, CredentialsProvider, provider_of
from fastapi_esdb.settings.kinds import MAX_INT
from fastapi_esdb.settings.options import MILLISECONDS_PER_SECOND, nearest
from fastapi_esdb.settings.precedence import COMPLETING, DEFAULT_DEADLINE, STRING, Completing, OptionOverrides

_IN_MEMORY = "esdb+embedded://"
_MISSING = (
    "{label}: is not set. For a database on this machine set "
    "{variable}=esdb://admin:changeit@localhost:2113?tls=false, to try things out without one "
    f"{{variable}}={_IN_MEMORY}"
)

_TOKEN = re.compile("[!-~]+")

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=MAX_INT)]

SHORTEST_INTERVAL = 0.05
"""Seconds; a server that is away or starting shall not have to refuse more than 20 attempts in each."""


class EsdbSettings(OptionOverrides):
    """The settings of one pool of connections. Times are in seconds, except in the options of the string.

    Each field is read from a keyword argument, else from the environment variable of its name behind `ESDB_`, else from
    that name in `.env`. An environment variable that is set to nothing counts as not set. `target` is what comes out
    of the connection string and the fields that complete it: user name, password, `allow_insecure_credentials` and the
    options of the string. These are taken from where the string stands and from what wins over it: beside a string in
    code, from code only; beside one in the environment, not from `.env`. A class of yours that overrides
    `settings_customise_sources` keeps to that by calling the one here.

    Raises `InvalidSettings`, or its `InvalidConnectionString`, naming what is wrong and never a value. Settings can't
    be changed once made; `EsdbSettings(...)` makes others.
    """

    model_config = SettingsConfigDict(
        env_prefix="ESDB_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    connection_string: SecretStr | None = None
    """Where the database is, as `ConnectionString` describes it."""
    embedded: bool = False
    """Run the embedded server, in memory, if there is no connection string."""
    username: str | None = None
    """Takes the place of the user in the connection string."""
    password: SecretStr | None = None
    """Takes the place of the password in the connection string."""

    allow_insecure_credentials: bool = False
    """Let user name and password travel in plain text (`tls=false`) to other machines than this one."""

    pool_size: Count = 2
    """Connections that are opened at the start and kept open."""
    max_connections: Count = 16
    """Connections that may be open at most, when long-lived streams fill them."""
    max_streams: Count = 80
    """Long-lived streams on one connection before another is opened; servers allow about 100 calls on each."""
    idle_timeout: Seconds = 60
    """Seconds after which a connection beyond `pool_size` is closed if nothing uses it."""

    retry_interval: Annotated[float, Field(ge=SHORTEST_INTERVAL, allow_inf_nan=False)] = 0.5
    """Seconds from a failed attempt to connect to the next; at least 0.05, so that no server is swamped."""
    retry_interval_max: Seconds = Field(default_factory=lambda fields: fields["retry_interval"])
    """Seconds that the interval may grow to, doubling at each failure; equal to `retry_interval`, it does not grow."""
    retry_jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Part of each interval, 0 to 1, that is left to chance, so that many clients don't return at the same moment."""
    connect_timeout: Seconds = 5
    """Seconds that one attempt to connect may take, up to the server's first answer."""
    require_connection: bool = False
    """Whether the app refuses to start without a connection within `start_timeout`, or if credentials are refused."""
    start_timeout: Seconds = 10
    """Seconds that the start of the app waits for a connection with `require_connection`."""

    deadline: Annotated[float, Field(ge=0.001, le=MAX_INT // MILLISECONDS_PER_SECOND)] | None = None
    """Seconds that a call may take in all if it sets no timeout; `None` leaves it to `default_deadline` (10 s)."""
    wait: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Seconds that a call waits for a connection; 0 has it fail at once, in a cluster when discovery had its time."""
    read_preference: NodePreference | None = None
    """Role of the cluster member that streams are read at, and subscribed to; `None`: the one of `node_preference`."""
    append_mode: AppendMode = AppendMode.SHARED
    """How appends travel: over `shared` calls, `grouped` in calls that write for many callers, or each `single`."""
    retry_unknown: bool = True
    """Whether an append whose answer is lost is looked for and sent again if need be, so that it happens once."""
    read_only: bool = False
    """Refuse every write before it is sent."""

    health_details: bool = False
    """Whether health answers tell address, server version and counters. Only for routes that strangers can't reach."""
    control_token: SecretStr | None = None
    """Token to close and open the connections over HTTP, and to see the status page. Without one neither exists."""

    _in_code: frozenset[str] = frozenset()
    """The fields that were given as keyword arguments."""
    _provider: CredentialsProvider | None = None
    """The function that is asked who calls; see `calling_as`."""

    def __init__(self, **values: Any) -> None:
        given = Secret(values)
        del values  # tools that show tracebacks show variables, too
        self._check_names(list(given.get_secret_value()))
        if complaint := self._take(given):
            raise InvalidSettings(complaint)
        self._remember(given.get_secret_value())
        self._check_sizes()
        if (text := self._text) is not None:
            self._resolve(text)

    def _take(self, given: Secret[dict[str, Any]]) -> str:
        """Read the settings from everywhere; return what is wrong with them, empty if nothing is."""
        try:
            super().__init__(**given.get_secret_value())
        except ValidationError as error:
            return self._describe(error)
        except SettingsError as error:  # of pydantic-settings, which names field and source
            return str(error)
        except UnicodeDecodeError as error:
            return f"{self._files(given)}: must be text in {error.encoding.upper()}; save it so, or remove it"
        except OSError as error:
            return f"{self._files(given)}: can't be read ({error.strerror})"
        return ""

    @classmethod
    def _files(cls, given: Secret[dict[str, Any]]) -> str:
        """Return the names of the `.env` files."""
        named = given.get_secret_value().get("_env_file", cls.model_config.get("env_file"))
        return ", ".join(map(str, named)) if isinstance(named, (list, tuple)) else str(named)

    def _remember(self, in_code: Iterable[str]) -> None:
        super().__setattr__("_in_code", frozenset(in_code))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings are read; the first source wins. The secrets directory is a part of the environment."""
        code = {"code": init_settings}
        environment = {"the environment": env_settings, "the secrets directory": file_secret_settings}
        return (
            init_settings,
            Completing(settings_cls, env_settings, "the environment", code),
            Completing(settings_cls, file_secret_settings, "the secrets directory", code),
            Completing(settings_cls, dotenv_settings, "the .env file", {**code, **environment}),
        )

    @field_validator("control_token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("must be printable ASCII characters without blanks, since it travels in a header")
        return token

    @classmethod
    def _check_names(cls, values: Iterable[str]) -> None:
        """Refuse a keyword that is no setting; `extra="ignore"` is meant for strangers in `.env` only."""
        for name in values:
            if name not in cls.model_fields and not name.startswith("_"):
                raise InvalidSettings(f"{name} is no setting; the nearest one is {nearest(name, cls.model_fields)}")

    def _check_sizes(self) -> None:
        if self.pool_size > self.max_connections:
            raise InvalidSettings(f"{self._label('pool_size')}: must not be more than {self._label('max_connections')}")
        if self.retry_interval_max < self.retry_interval:
            least = self._label("retry_interval")
            raise InvalidSettings(f"{self._label('retry_interval_max')}: must not be less than {least}")

    @property
    def provider(self) -> CredentialsProvider | None:
        """Return the function that is asked before each call who calls; `None` where user name and password say it."""
        return self._provider

    def calling_as(self, credentials: AnyCredentials | CredentialsProvider) -> Self:
        """Return the same settings with other credentials, or with a provider that is asked for them before each call.

        They stand in for the user name and password of the connection string, of the environment and of code. They are
        for code only: no variable of the environment says this. Raises `InvalidSettings`.
        """
        return self.asking(provider_of(credentials))

    def asking(self, provider: CredentialsProvider | None) -> Self:
        """Return the same settings with that provider."""
        copy = self.model_copy()
        super(EsdbSettings, copy).__setattr__("_provider", provider)
        return copy

    @property
    def target(self) -> ConnectionString:
        """Return what to connect to: the connection string with the overrides in place. Made anew at each access.

        Raises `InvalidSettings` if there is no connection string and the embedded server was not asked for.
        """
        if self._text is None:
            name = "connection_string"
            raise InvalidSettings(_MISSING.format(label=self._label(name), variable=self._variable(name)))
        return self._resolve(self._text)

    @property
    def _text(self) -> SecretStr | None:
        if self.connection_string is not None:
            return self.connection_string
        return SecretStr(_IN_MEMORY) if self.embedded else None

    def _resolve(self, text: SecretStr) -> ConnectionString:
        parsed = ConnectionString.parse(text.get_secret_value(), self._option_values() | self._deadline_option())
        return replace(parsed, credentials=self._resolve_credentials(parsed.credentials))

    def _deadline_option(self) -> dict[str, Any]:
        return {} if self.deadline is None else {DEFAULT_DEADLINE: round(self.deadline * MILLISECONDS_PER_SECOND)}

    def _resolve_credentials(self, given: Credentials | None) -> Credentials | None:
        username = given.username if given and self.username is None else self.username
        password = given.password if given and self.password is None else self.password
        if username is None and password is None:
            return None
        if username is None or password is None:
            missing, present = ("username", "password") if username is None else ("password", "username")
            raise InvalidSettings(f"{self._label(missing)}: must be set, too, since {self._label(present)} is")
        return self._make_credentials(username, password)

    def _make_credentials(self, username: str, password: SecretStr) -> Credentials:
        try:
            return Credentials(username, password)
        except ValueError as error:
            wrong = str(error)
        raise InvalidSettings(f"{self._label('username')}, {self._label('password')}: {wrong}")

    @classmethod
    def _describe(cls, error: ValidationError) -> str:
        """Return all that pydantic found, in names and rules; the values stay behind."""
        found = error.errors(include_url=False, include_context=False, include_input=False)
        own = [detail for detail in found if detail["type"] != "default_factory_not_called"]
        return "; ".join(f"{cls._label(str(detail['loc'][0]))}: {_rule(detail['msg'])}" for detail in own)

    @classmethod
    def _label(cls, field: str) -> str:
        return f"{field} ({cls._variable(field)})"

    @classmethod
    def _variable(cls, field: str) -> str:
        """Return the environment variable of a field; a class of the app's own may have another prefix."""
        return f"{cls.model_config['env_prefix']}{field}".upper()

    @classmethod
    def model_validate(cls, obj: Any, **_: Any) -> Self:
        """Return `EsdbSettings(**obj)`. Pydantic's own way would repeat the whole input in its error."""
        if isinstance(obj, cls):
            return obj.model_copy()
        given = Secret(obj)
        del obj
        return cls(**dict(given.get_secret_value()))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """Return the same settings with `update`, checked as in `EsdbSettings(...)`; pydantic itself trusts it.

        An `update` of the connection string keeps what completed the former one only as far as it was given in code.
        """
        given = Secret(dict(update or {}))
        del update
        names = frozenset(given.get_secret_value())
        copy = type(self)(**{**dict(self), **self._not_for_another(names), **given.get_secret_value()})
        copy._remember(self._in_code | names)
        super(EsdbSettings, copy).__setattr__("_provider", self._provider)
        return copy

    def _not_for_another(self, given: frozenset[str]) -> dict[str, Any]:
        """Return the defaults of what was meant for this connection string, if another one is given."""
        if STRING not in given:
            return {}
        return {name: type(self).model_fields[name].default for name in set(COMPLETING) - self._in_code}

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        del value
        raise AttributeError(f"settings are read-only: make others with EsdbSettings({name}=...)")

    def __reduce__(self) -> NoReturn:
        raise TypeError("EsdbSettings can't be pickled, since that would write secrets down: make them where needed")


def _rule(message: str) -> str:
    """Return pydantic's message in the form of ours: "must be …"."""
    return message.removeprefix("Value error, ").replace("Input should", "must", 1)
