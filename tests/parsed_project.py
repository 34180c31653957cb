"""dbt's reading of the project, done once per process: it takes longer than most builds that tests make.

The values of variables count when a model is compiled, not when it is read, but for those that switch models on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbt.contracts.graph.manifest import Manifest
from psycopg.conninfo import conninfo_to_dict

from revlayer import dbt
from revlayer.config import Settings
from revlayer.database import connection_url

METRICS = "semantic_manifest.json"
COMMANDS = ("run", "build", "test")
SWITCHES = ("installed_predictors",)
# A quarter of the time of a build, for files that nobody reads; --write-json after them asks for dbt's artefacts.
QUICK = ("--log-level-file", "none")
UNWRITTEN = ("--no-write-json",)
WITHOUT_TESTS = ("--exclude-resource-type", "test")
_PARSED: dict[tuple[object, ...], bytes] = {}
_left_out: list[str] = []
_plain_run = dbt.run


def run(
    settings: Settings,
    arguments: Sequence[str],
    variables: Mapping[str, object] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    target_path: Path | None = None,
) -> dbt.DbtResult:
    """Do what ``dbt.run`` does, on what an earlier command read of the same project."""
    given = dict(variables or {})
    key = (settings.project_directory, frozenset(given), *(str(given.get(name)) for name in SWITCHES))
    command, *rest = arguments
    if command not in COMMANDS:
        return _plain_run(settings, arguments, variables, progress, target_path)
    known = _PARSED.get(key)
    # What MetricFlow reads is looked for in the usual folder.
    wanted = target_path is None and not (settings.dbt_target_directory / METRICS).exists()
    left_out = [*(() if wanted else UNWRITTEN), *(_left_out if command == "build" else ())]
    quickly = [command, *QUICK, *left_out, *rest]
    manifest = _of_database(known, settings) if known else None
    result = _plain_run(settings, quickly, variables, progress, target_path, manifest)
    if known is None:
        _PARSED[key] = ((target_path or settings.dbt_target_directory) / "partial_parse.msgpack").read_bytes()
    return result


@contextmanager
def models_only() -> Iterator[None]:
    """Leave the tests out of dbt's builds: for builds of a company of which another build runs them all."""
    _left_out.extend(WITHOUT_TESTS)
    try:
        yield
    finally:
        _left_out.clear()


def _of_database(parsed: bytes, settings: Settings) -> Manifest:
    """The project as it was read, its relations in the database of the settings."""
    manifest = Manifest.from_msgpack(parsed)
    name = str(conninfo_to_dict(connection_url(settings))["dbname"])
    nodes: list[Any] = [*manifest.nodes.values(), *manifest.sources.values()]
    for node in nodes:
        if node.relation_name:
            node.relation_name = node.relation_name.replace(f'"{node.database}".', f'"{name}".', 1)
        node.database = name
    manifest.build_flat_graph()  # what a model sees as graph, which is not kept
    return manifest
