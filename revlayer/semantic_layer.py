"""MetricFlow on this project: the metrics of the semantic models, asked for by name, read as a reader.

Its own command asks the package index for a newer version of itself at every start, and offers to write sample
files into the project; neither is taken over.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from dbt_metricflow.cli import main as metricflow
from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from halo import Halo

from revlayer import dbt
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.errors import RevlayerError
from revlayer_udf import queries

COMMANDS = {name: command for name, command in metricflow.cli.commands.items() if name != "tutorial"}


class Messages(Halo):
    """In place of MetricFlow's spinner where its output is piped: no frames, and what it ends with on stderr."""

    def start(self, text: str | None = None) -> "Messages":
        """Show nothing."""
        return self

    def stop_and_persist(self, symbol: str = " ", text: str | None = None) -> "Messages":
        """Say how it ended; ``succeed`` and ``fail`` come here."""
        click.echo(text or self.text, err=True)
        return self

    def stop(self) -> "Messages":
        """There is nothing to clear."""
        return self


class Configuration(CLIConfiguration):
    """MetricFlow's configuration with the paths of these settings, whatever folder is the working one."""

    def __init__(self, settings: Settings, manifest_root: Path) -> None:
        super().__init__()
        self._settings = settings
        self._manifest_root = manifest_root

    def setup(
        self,
        dbt_profiles_path: Path | None = None,
        dbt_project_path: Path | None = None,
        configure_file_logging: bool = True,
    ) -> None:
        """Connect, once a command needs it; the log is metricflow.log beside dbt's."""
        project = self._settings.project_directory
        super().setup(dbt_profiles_path or project / "dbt_project", dbt_project_path or project, configure_file_logging)
        self._dbt_project_metadata = replace(self.dbt_project_metadata, project_path=self._manifest_root)


@contextmanager
def configured(settings: Settings) -> Iterator[Configuration]:
    """Give MetricFlow's configuration; ``.mf`` is its engine.

    What is known of the metrics is what dbt left in its target folder at the last build, of whatever database.

    Raises:
        RevlayerError: nothing was built here.
    """
    built, manifest = _manifest(settings)
    with dbt.environment(settings, role="reader"), TemporaryDirectory() as folder:
        # MetricFlow looks for it in a folder of this name only.
        copied = Path(folder) / "target" / built.name
        copied.parent.mkdir()
        copied.write_text(json.dumps(manifest), encoding="utf-8")
        yield Configuration(settings, Path(folder))


def _manifest(settings: Settings) -> tuple[Path, dict[str, Any]]:
    built = settings.dbt_target_directory / "semantic_manifest.json"
    if not built.exists():
        raise RevlayerError("there are no metrics to ask for before the first build", "Run: revlayer run")
    return built, json.loads(built.read_text(encoding="utf-8"), object_hook=_in_any_database)


def require_marts(settings: Settings) -> None:
    """See that what the metrics read is there: the last build may have been one of another database.

    Raises:
        RevlayerError: some of it was not built in this database.
    """
    _, manifest = _manifest(settings)
    named = {model["node_relation"]["relation_name"] for model in manifest["semantic_models"]}
    with connect(settings, "reader") as conn:
        statement = queries.load("revlayer", "semantic_layer.sql")["missing"]
        missing = [name for (name,) in conn.execute(statement, [sorted(named)])]
    if missing:
        tables = ", ".join(name.replace('"', "") for name in missing)
        raise RevlayerError(f"this database has no {tables}: its marts are not built", "Run: revlayer run")


def _in_any_database(found: dict[str, Any]) -> dict[str, Any]:
    """Take the database out of a relation's name: PostgreSQL reads no other than the one it is connected to."""
    if "relation_name" in found:
        found["relation_name"] = f'"{found["schema_name"]}"."{found["alias"]}"'
    return found


def run(settings: Settings, arguments: Sequence[str]) -> None:
    """Run one of MetricFlow's commands, such as ``["query", "--metrics", "mrr"]``; leaves by SystemExit.

    Raises:
        RevlayerError: nothing was built, or not in this database.
    """
    if arguments[:1] == ["query"] and "--help" not in arguments:
        require_marts(settings)
    if not sys.stdout.isatty():
        vars(metricflow)["Halo"] = Messages  # there is no option for it
    group = click.Group("mf", commands=COMMANDS, help="Metrics by name, through MetricFlow.", no_args_is_help=True)
    with configured(settings) as configuration:
        group.main(list(arguments), prog_name="revlayer mf", obj=configuration)
