"""The commands, with their options."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from fastapi_esdb.cli import checking, consumers, registry, streams, transfer
from fastapi_esdb.cli.running import INTERRUPTED, PATIENCE, PREFIX, chosen, command

app = typer.Typer(
    name="fastapi-esdb",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Look into an EventStoreDB, with the settings that an app started here would have (ESDB_CONNECTION_STRING).",
)

Source = Annotated[str, typer.Argument(help="a stream, category:NAME, or $all")]
File = Annotated[Path, typer.Argument(help="a file of JSON lines", dir_okay=False)]
Types = Annotated[list[str] | None, typer.Option("--type", help="only events of this type; may be given several times")]


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fastapi-esdb {version('fastapi-esdb')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
]


@app.callback()
def options(
    prefix: Annotated[str, typer.Option(help="what the names of the variables begin with")] = PREFIX,
    timeout: Annotated[float, typer.Option(help="seconds to wait for a connection", min=0.01)] = PATIENCE,
    _: Version = False,
) -> None:
    chosen.prefix, chosen.patience = prefix, timeout


@app.command()
def check() -> None:
    """Connect step by step, and tell what is found.

    The exit status is 0 if all is well, 2 for settings that are wrong, 3 where nothing can be reached, 4 where the
    credentials are refused or missing, and 5 without a leader.
    """
    command(checking.check)()


@app.command("streams")
def list_streams(
    category: Annotated[str | None, typer.Option(help="only those whose names begin with NAME-")] = None,
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 100,
) -> None:
    """List streams, those that were written to last first."""
    command(streams.streams)(category, limit)


@app.command()
def read(
    source: Source,
    start: Annotated[str | None, typer.Option("--from", help="a revision or position to begin at")] = None,
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 20,
    backwards: Annotated[bool, typer.Option("--backwards", help="the newest events first")] = False,
    types: Types = None,
) -> None:
    """Show events."""
    command(streams.read)(source, start, limit, backwards, types or [])


@app.command()
def tail(
    source: Source,
    after: Annotated[str, typer.Option(help="start, end, a revision or position to begin after")] = "end",
) -> None:
    """Show events as they come."""
    command(streams.tail)(source, after)


@app.command()
def append(
    stream: Annotated[str, typer.Argument(help="the name of the stream, order-1")],
    type: Annotated[str, typer.Argument(help="the type of the event, OrderPlaced")],  # noqa: A002
    data: Annotated[str, typer.Argument(help="its data as JSON, or - to read them from the input")] = "{}",
    metadata: Annotated[str | None, typer.Option(help="its metadata as JSON")] = None,
    expected: Annotated[str, typer.Option(help="a revision, any, no-stream or stream-exists")] = "any",
) -> None:
    """Append an event to a stream."""
    command(streams.append)(stream, type, data, metadata, expected)


@app.command()
def stats(grep: Annotated[str | None, typer.Argument(help="only names with this in them")] = None) -> None:
    """Show the statistics of a node."""
    command(streams.stats)(grep)


@app.command("export")
def export(source: Source, file: File) -> None:
    """Write events to a file, or go on with one.

    An export that was interrupted goes on where it ended, when it is started again with the same source and file.
    """
    command(transfer.export)(source, file)


@app.command("import")
def import_(file: File) -> None:
    """Append the events of a file, or go on with one.

    They go to streams of the same names, but for those that are there. An import that was interrupted goes on when it
    is started again. A file whose streams have other events here is refused, before anything is appended.
    """
    command(transfer.load)(file)


@app.command("consumers")
def list_consumers() -> None:
    """List the consumers that keep their checkpoints here."""
    command(consumers.consumers)()


@app.command("dead-letters")
def list_dead_letters(consumer: Annotated[str, typer.Argument(help="the name of the consumer")]) -> None:
    """List the events that a consumer has parked."""
    command(consumers.dead_letters)(consumer)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def schemas(context: typer.Context) -> None:
    """Print the schemas of event types, or compare them."""
    from fastapi_esdb.events.__main__ import main  # noqa: PLC0415 - only here

    raise typer.Exit(main(context.args, context.command_path))


@app.command()
def register(
    types: Annotated[str, typer.Argument(metavar="module:name", help="the EventTypes, shop.events:events")],
    check: Annotated[bool, typer.Option("--check", help="write nothing; only tell what speaks against it")] = False,
    compatibility: Annotated[str, typer.Option(help=f"of new schemas: {', '.join(registry.MODES)}")] = "backward",
) -> None:
    """Register the schemas of event types with the server.

    Servers have a registry from 25.1 on. If some schemas are not compatible, nothing is registered, each reason is
    told, and the exit status is 1.
    """
    command(registry.register)(types, compatibility, check)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def serve(context: typer.Context) -> None:
    """Run the embedded server."""
    from fastapi_esdb.embedded.__main__ import main  # noqa: PLC0415 - only here

    raise typer.Exit(main(context.args, context.command_path))


def run() -> int:
    """Run a command; return the exit status."""
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
