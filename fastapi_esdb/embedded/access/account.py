"""An account: its password, of which only a salted hash is kept, and the event that it is stored as (protocol 2.12)."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from fastapi_esdb.embedded.store.work import Worker
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent

MEMORY_COST = 4096
BLOCK_SIZE = 8
"""The cost of scrypt: about 10 ms and 4 MiB for each hash."""

SALT_SIZE = 16
MAX_KNOWN = 1000

CREATED = "$UserCreated"
UPDATED = "$UserUpdated"


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A password as it is stored."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        salt = secrets.token_bytes(SALT_SIZE)
        return cls(salt, _scrypt(password, salt))

    def matches(self, password: str) -> bool:
        return hmac.compare_digest(self.digest, _scrypt(password, self.salt))


class Passwords:
    """Checks passwords. Every call has one, so right ones are remembered: they are not hashed again.

    What it keeps of them is an HMAC with a key that no other process has. A hash takes long: it is made on a thread,
    which is there until `close`.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(SALT_SIZE)
        self._known: set[bytes] = set()
        self._worker = Worker("esdb-passwords")

    async def hashed(self, password: str) -> PasswordHash:
        """Return what is stored of a new password."""
        return await self._worker.run(lambda: PasswordHash.of(password))

    async def check(self, password: str, stored: PasswordHash) -> bool:
        """Return whether this is the password."""
        mark = hmac.digest(self._key, stored.digest + password.encode(), "sha256")
        return mark in self._known or await self._worker.run(lambda: self._is_right(mark, password, stored))

    def close(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _is_right(self, mark: bytes, password: str, stored: PasswordHash) -> bool:
        """On the thread, where others may have shown the same password just before."""
        if mark in self._known:
            return True
        if not stored.matches(password):
            return False
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known.add(mark)
        return True


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=MEMORY_COST, r=BLOCK_SIZE, p=1)


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
