"""Passwords, of which only a salted hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

MEMORY_COST = 4096
BLOCK_SIZE = 8
"""The cost of scrypt: about 10 ms and 4 MiB for each hash."""

SALT_SIZE = 16
MAX_KNOWN = 1000


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """What is kept of a password."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        salt = secrets.token_bytes(SALT_SIZE)
        return cls(salt, _scrypt(password, salt))

    def matches(self, password: str) -> bool:
        return hmac.compare_digest(self.digest, _scrypt(password, self.salt))


class Passwords:
    """Checks passwords. Every call shows one, so that those that were right are known again without their cost.

    What it keeps of them is an HMAC with a key that no other process has.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(SALT_SIZE)
        self._known: set[bytes] = set()

    def check(self, password: str, stored: PasswordHash) -> bool:
        """Whether this is the password."""
        mark = hmac.digest(self._key, stored.digest + password.encode(), "sha256")
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
