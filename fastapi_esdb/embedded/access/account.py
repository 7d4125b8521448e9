"""An account, and the form in which the server keeps it: an event of a stream of its own (protocol 2.12)."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from fastapi_esdb.embedded.access.passwords import PasswordHash
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent

CREATED = "$UserCreated"
UPDATED = "$UserUpdated"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the server. `groups` are roles in access lists."""

    login: str
    full_name: str
    groups: tuple[str, ...]
    password: PasswordHash
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as it was written last, at a revision of its stream."""

    account: Account
    revision: int
    updated: datetime


def stream_of(login: str) -> str:
    """Return the stream of an account."""
    return f"$user-{login}"


def encode_account(account: Account, event_type: str) -> ProposedEvent:
    content = {
        "loginName": account.login,
        "fullName": account.full_name,
        "salt": b64encode(account.password.salt).decode(),
        "hash": b64encode(account.password.digest).decode(),
        "disabled": account.is_disabled,
        "groups": account.groups,
    }
    return ProposedEvent(uuid4(), event_type, json.dumps(content).encode())


def decode_account(record: RecordedEvent) -> StoredAccount | None:
    """Return the account in an event, or `None` if the event is something else."""
    try:
        return StoredAccount(_account(record.json()), record.revision, record.created)
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _account(content: Mapping[str, Any]) -> Account:
    return Account(
        login=str(content["loginName"]),
        full_name=str(content["fullName"]),
        groups=tuple(map(str, content["groups"])),
        password=PasswordHash(b64decode(content["salt"]), b64decode(content["hash"])),
        is_disabled=bool(content["disabled"]),
    )
