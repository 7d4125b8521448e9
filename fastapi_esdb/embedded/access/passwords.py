"""Passwords, of which only a salted hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from fastapi_esdb.embedded.store.work import Worker

MEMORY_COST = 4096
BLOCK_SIZE = 8
"""The cost of scrypt: about 10 ms and 4 MiB for each hash."""

SALT_SIZE = 16
MAX_KNOWN = 1000


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
