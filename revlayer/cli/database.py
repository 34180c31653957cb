"""``revlayer db``: the embedded PostgreSQL."""

import os
import shutil
from typing import Annotated

import typer

from revlayer.cli.console import output, print_lines
from revlayer.config import Settings
from revlayer.database import connect, connection_url, libpq_environment
from revlayer.database.embedded import EmbeddedServer
from revlayer.errors import RevlayerError

app = typer.Typer(help="Start, stop and reach the embedded PostgreSQL.", no_args_is_help=True)


def _embedded() -> tuple[Settings, EmbeddedServer]:
    settings = Settings()
    if settings.database_url is not None:
        raise RevlayerError(
            "REVLAYER_DATABASE_URL is set, so the embedded server is not in use",
            "Unset it to use the embedded server.",
        )
    return settings, EmbeddedServer.of(settings)


@app.command()
def start() -> None:
    """Start the server, making it on first use. It stays up after this command ends."""
    _, server = _embedded()
    server.start()
    known = server.credentials()
    assert known is not None
    output.print(f"PostgreSQL is up on 127.0.0.1:{known.port}, data in {known.data_directory}")
    output.print("BI tools connect with: revlayer db url --reader")


@app.command()
def stop() -> None:
    """Stop the server. The data stay."""
    _, server = _embedded()
    server.stop()
    output.print("PostgreSQL is down")


@app.command()
def status() -> None:
    """Say whether the server runs; exit code 1 when it does not."""
    _, server = _embedded()
    known = server.credentials()
    if known is None or not server.is_running():
        output.print("down" if known else "not made yet: revlayer db start")
        raise typer.Exit(1)
    output.print(f"up on 127.0.0.1:{known.port}, data in {known.data_directory}")


@app.command()
def url(
    reader: Annotated[bool, typer.Option("--reader", help="The read-only login for BI tools.")] = False,
) -> None:
    """Print the connection string (it holds the password)."""
    settings = Settings()
    if not reader:
        print(connection_url(settings))
        return
    if settings.database_url is not None:
        raise RevlayerError(
            "readers of a server of your own log in as users of your own",
            f"Make one: create role metabase login password '...' in role {settings.role('reader')}",
        )
    server = EmbeddedServer.of(settings)
    server.start()
    with connect(settings, autocommit=True) as conn:
        server.allow_reader(conn, settings.role("reader"))
    print(server.reader_url(settings.role("reader")))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database, with the server's own client where none is installed. Takes psql's options."""
    settings = Settings()
    environment = {**os.environ, **libpq_environment(connection_url(settings))}
    client = shutil.which("psql")
    if client is None and settings.database_url is None:
        client = str(EmbeddedServer.of(settings).binaries / "psql")
    if client is None:
        raise RevlayerError("psql is not installed", "Use any client with: revlayer db url")
    os.execve(client, [client, *context.args], environment)


@app.command()
def remove(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop the server and delete its data for good; name those in other folders of the project (REVLAYER_HOME)."""
    settings, server = _embedded()
    if not yes:
        typer.confirm(f"Delete the embedded database in {server.home}?", abort=True)
    server.remove()
    output.print(f"removed {server.home}", highlight=False)
    print_lines(others(settings))


def others(settings: Settings) -> list[str]:
    """Servers in other folders of the project, which were made with another REVLAYER_HOME and are not touched."""
    lines = []
    for found in sorted(settings.project_directory.glob("*/embedded.json")):
        other = EmbeddedServer(found.parent)
        if found.parent.resolve() == settings.home_directory.resolve():
            continue
        state = "is up" if other.is_running() else "is down, its data are there"
        name = found.parent.name
        lines.append(f"another one in {name} {state}; to remove it: REVLAYER_HOME={name} revlayer db remove")
    return lines
