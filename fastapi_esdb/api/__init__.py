"""What can be asked of EventStoreDB, in the words of the field: streams, subscriptions, stream metadata."""

from fastapi_esdb.api import filters

__all__ = ["filters"]
