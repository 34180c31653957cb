"""dbt's reading of the project, done once for all tests: it takes longer than most builds that tests make.

Variables count when a model is compiled, not when it is read, but for those that switch models on, or what they read.
"""

import gc
import hashlib
import os
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
COMMANDS = ("run", "build", "test", "seed", "compile")
SWITCHES = ("installed_predictors", "deal_attribute_features")
# A quarter of the time of a build, for files that nobody reads; --write-json after them asks for dbt's artefacts.
QUICK = ("--log-level-file", "none", "--cache-selected-only")
UNWRITTEN = ("--no-write-json",)
WITHOUT_TESTS = ("--exclude-resource-type", "test")
# Folder that the workers of one test session share.
SHARED = "REVLAYER_TEST_PARSED"
_PARSED: dict[str, bytes] = {}
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
    switches = [list(given.get(name) or []) for name in SWITCHES]
    key = hashlib.sha256(repr((settings.project_directory, switches)).encode()).hexdigest()
    command, *rest = arguments
    if command not in COMMANDS:
        return _plain_run(settings, arguments, variables, progress, target_path)
    # What MetricFlow reads is looked for in the usual folder; only reading the project writes it.
    wanted = target_path is None and not (settings.dbt_target_directory / METRICS).exists()
    left_out = [*(() if wanted else UNWRITTEN), *(_left_out if command == "build" else ())]
    known = None if wanted else _known(key)
    quickly = [command, *QUICK, *left_out, *rest]
    with _without_collections():
        manifest = _of_database(known, settings) if known else None
        result = _plain_run(settings, quickly, variables, progress, target_path, manifest)
    if known is None:
        _keep(key, ((target_path or settings.dbt_target_directory) / "partial_parse.msgpack").read_bytes())
    return result


def _known(key: str) -> bytes | None:
    if key not in _PARSED and (folder := os.environ.get(SHARED)) and (file := Path(folder) / key).exists():
        _PARSED[key] = file.read_bytes()
    return _PARSED.get(key)


def _keep(key: str, parsed: bytes) -> None:
    _PARSED[key] = parsed
    if folder := os.environ.get(SHARED):
        part = Path(folder) / f"{key}.{os.getpid()}"
        part.write_bytes(parsed)
        part.rename(Path(folder) / key)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Python looks for cycles to free once after a command, not over and over during it: up to a third of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


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
