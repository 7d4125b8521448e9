"""One worker for an app: each process would have its own embedded server, and its own data.

Servers of apps start their workers as children of one process: uvicorn spawns them with multiprocessing, gunicorn
forks them. So the workers of an app are siblings, and the first of them that runs an embedded server holds a lock
named after their parent. A reload keeps working where the old worker is gone before the new one comes, as with
`uvicorn --reload`.
"""

from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi_esdb.wire.errors import SeveralWorkers

_held: set[Path] = set()
"""The locks of this process: it may run several apps, each with a server of the same name."""


@contextmanager
def only_worker(name: str) -> Iterator[None]:
    """Be the only worker of this app that runs the embedded server called `name`, while the context lasts.

    Does nothing in a process that is not a worker. Raises SeveralWorkers if a sibling runs it already.
    """
    path = _lock_file(name)
    if not is_worker() or path in _held:
        yield
        return
    descriptor = _lock(path)
    _held.add(path)
    try:
        yield
    finally:
        _held.remove(path)
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_worker() -> bool:
    """Return whether this process is one of several, or may be, that serve an app."""
    return multiprocessing.parent_process() is not None or _is_gunicorn()


def _is_gunicorn() -> bool:
    """Its workers are plain forks; it sets this variable for them."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn")


def _lock_file(name: str) -> Path:
    """One file for all children of one parent."""
    key = hashlib.sha256(name.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"fastapi-esdb-{os.getuid()}-{os.getppid()}-{key}.lock"


def _lock(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise SeveralWorkers from error
        if _is_still(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """Return whether the file is still there: its former holder may have removed it just before we locked it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
