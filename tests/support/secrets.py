"""Looking for secrets in what is shown, logged and answered."""

from __future__ import annotations

import base64
import logging
import pickle
import pprint
import traceback
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from fastapi_esdb.log import PREFIX

USER = "canary"
PASSWORD = "Twee+dle:dum ä"
TOKEN = "token-of-the-canary"

OTHERS = ("changeit", "open-sesame", "c4n4ry", "canary-7319", "canary-secret")
"""Passwords and tokens that other tests use."""


def forms(secret: str) -> set[str]:
    """A secret as it may be written: as it is, in a URL, as bytes, as base64."""
    return {secret, quote(secret), quote(secret, safe=""), repr(secret.encode())[2:-1], _base64(secret)}


def secrets() -> set[str]:
    """All forms of the password and the token, and of the header that carries the password."""
    return forms(PASSWORD) | forms(TOKEN) | {_base64(f"{USER}:{PASSWORD}")}


def shown(thing: object) -> str:
    """The texts of an object and its pickle; of an exception also those of all that led to it."""
    texts = [repr(thing), str(thing), f"{thing}", pprint.pformat(thing), repr(getattr(thing, "__dict__", ""))]
    texts.append(pickled(thing))
    if isinstance(thing, BaseException):
        texts += traceback.format_exception(thing)
        texts += [f"{error!r} {error} {error.args} {vars(error)}" for error in chain(thing)]
    return "\n".join(texts)


def pickled(thing: object) -> str:
    """What pickling writes down; the reason where it refuses."""
    try:
        return pickle.dumps(thing).decode(errors="replace")
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        return repr(error)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and those before it, causes and contexts alike."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__ if error.__context__ is not error.__cause__ else None)


class SecretsLogged(logging.Handler):
    """Keeps the log lines, tracebacks included, that hold a secret of any test; `found` has them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self._secrets = secrets() | set(OTHERS) | {_base64(f"{user}:changeit") for user in ("admin", "ops")}

    def emit(self, record: logging.LogRecord) -> None:
        """The standard library's name for: take a record."""
        fields = [str(value) for name, value in vars(record).items() if name.startswith(PREFIX)]
        line = " ".join((self.format(record), *fields))
        self.found += [line for secret in self._secrets if secret in line]


def found_in(texts: Iterable[str]) -> set[str]:
    """The secrets that the texts hold."""
    together = "\n".join(texts)
    return {secret for secret in secrets() if secret in together}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
