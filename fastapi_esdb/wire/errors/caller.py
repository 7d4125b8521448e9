"""What is wrong with the processes of an app that brings a server along."""

from __future__ import annotations

from fastapi_esdb.wire.errors.kinds import CallerError


class SeveralWorkers(CallerError):
    """An app with the embedded server runs in several worker processes, each of which would have data of its own."""

    def __str__(self) -> str:
        return (
            "the embedded server cannot serve several workers of one app: run one worker, or run "
            "`python -m fastapi_esdb.embedded --port 2113` beside the app and set "
            "ESDB_CONNECTION_STRING=esdb://127.0.0.1:2113?tls=false"
        )
