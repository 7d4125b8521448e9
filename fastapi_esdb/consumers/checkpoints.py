"""The places that a consumer's checkpoint is kept in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from fastapi_esdb.errors import CallerError, DeadlineExceeded, InvalidArgument


@dataclass(frozen=True, slots=True)
class InMemory:
    """The checkpoint lasts as long as the process: the next one begins at the start again."""


@dataclass(frozen=True, slots=True)
class InStream:
    """The checkpoint is kept in a stream of the database: `esdb_checkpoint-` and the consumer's name, or this one."""

    stream: str | None = None


class CheckpointStore(Protocol):
    """A store of the app's own, such as a table beside the read model.

    Both methods may be functions or coroutine functions, and may have dependencies of FastAPI behind these parameters.
    `save` runs after the handler with the same dependencies, so a session that both depend on is one transaction.

        class Checkpoints:
            async def load(self, consumer: str, session: SessionDep) -> str | None: ...
            async def save(
                self, consumer: str, checkpoint: str, before: str | None, session: SessionDep
            ) -> None: ...
    """

    @property
    def load(self) -> Callable[..., Awaitable[str | None] | str | None]:
        """Return the text that was saved for a consumer, `None` if there is none."""
        ...

    @property
    def save(self) -> Callable[..., Awaitable[None] | None]:
        """Store a text for a consumer, in place of the one `before`, which was saved last.

        Raise `CheckpointMoved` if what is stored is something else by now: another process has taken over.
        """
        ...


class CheckpointMoved(CallerError):
    """The checkpoint is not where this process has left it: another one has taken over. Raised by the app's `save`."""

    def __str__(self) -> str:
        return "the checkpoint was moved by another process, which handles the events now"


@dataclass(eq=False)
class NotHandledHere(CallerError):
    """Another process handles the events of the consumer at present, so it can't be rebuilt from this one."""

    consumer: str

    def __str__(self) -> str:
        return f"the events of consumer {self.consumer!r} are not handled by this process at present"


@dataclass(eq=False)
class ConsumerBehind(DeadlineExceeded):
    """A consumer has not come to a place in time. It may yet."""

    consumer: str
    state: str

    def __str__(self) -> str:
        return f"consumer {self.consumer!r} ({self.state}) has not come there in time"


def require_nothing(result: object) -> None:
    """Raise `InvalidArgument` if a handler has returned something whose checkpoint a store of the app's own keeps.

    That is in time to undo the transaction.
    """
    if result is not None:
        raise InvalidArgument(
            "a handler returns events to have them appended together with a checkpoint in a stream: with a store of "
            f"the app's own it must return None, not {type(result).__name__}"
        )


class Mark(NamedTuple):
    """A checkpoint to be saved with what a handler does."""

    consumer: str
    checkpoint: str
    before: str | None


class Dispatch(Protocol):
    """Calls an app's handler, and its store of checkpoints."""

    @property
    def is_in_thread(self) -> bool:
        """Return whether the handler runs in a thread, which nothing can end."""
        ...

    def __call__(self, item: Any, mark: Mark | None, /) -> Awaitable[object]:
        """Call the handler and, with a mark, what saves it."""
        ...

    async def load(self, consumer: str, /) -> str | None:
        """Return the checkpoint of the app's own store."""
        ...

    async def save(self, mark: Mark, /) -> None:
        """Save a checkpoint in the app's own store, without an event."""
        ...
