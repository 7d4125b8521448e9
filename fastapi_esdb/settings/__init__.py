"""Text to frozen values: the connection string and the settings around it."""

from fastapi_esdb.settings.append_mode import AppendMode
from fastapi_esdb.settings.connection_options import ConnectionOptions
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.settings.node_preference import NodePreference

__all__ = [
    "AppendMode",
    "ConnectionOptions",
    "ConnectionString",
    "Credentials",
    "EsdbSettings",
    "Host",
    "NodePreference",
]
