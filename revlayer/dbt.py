"""Run dbt on this project: the one place that hands it connection, variables and a progress display."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from psycopg.conninfo import conninfo_to_dict

from revlayer.config import Settings
from revlayer.database import connection_url, libpq_environment
from revlayer.errors import RevlayerError


@dataclass
class DbtResult:
    """What a dbt command did: node name and status, and the failures with their messages."""

    statuses: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def run(
    settings: Settings,
    arguments: Sequence[str],
    variables: Mapping[str, object] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    target_path: Path | None = None,
    manifest: Any = None,
) -> DbtResult:
    """Run one dbt command in this process.

    Args:
        arguments: as on dbt's command line, such as ``["build", "--selector", "features"]``.
        variables: passed as ``--vars``, as JSON, so that no value can change the command; they win over those of the
            settings.
        progress: called with node name, nodes done and nodes in all.
        target_path: where dbt writes its artefacts; the folder of the settings when None.
        manifest: dbt's Manifest of an earlier command, which spares parsing; this command changes it.

    Raises:
        RevlayerError: dbt is not installed, the project does not parse, a node failed, or the settings name a
            variable that the project does not have.
    """
    given = {**_own_variables(settings), **(variables or {})}
    try:
        from dbt.cli.main import dbtRunner
    except ImportError:
        raise RevlayerError("dbt is not installed", "Run: pip install 'revlayer[dbt]'") from None
    command = [
        *arguments,
        "--project-dir", str(settings.project_directory),
        "--profiles-dir", str(settings.project_directory / "dbt_project"),
        "--vars", json.dumps(given, default=str),
        "--target-path", str(target_path or settings.dbt_target_directory),
    ]  # fmt: skip
    with environment(settings):
        outcome = dbtRunner(manifest=manifest, callbacks=[_NodeEvents(progress)] if progress else []).invoke(
            ["--quiet", "--no-use-colors", *command]
        )
    if outcome.exception is not None:
        raise RevlayerError(f"dbt {arguments[0]} failed: {outcome.exception}")
    result = _collect(outcome.result)
    if not outcome.success:
        listed = "\n".join(f"  {name}: {text}" for name, text in result.failures.items())
        raise RevlayerError(f"dbt {arguments[0]} failed in {len(result.failures)} node(s):\n{listed}")
    return result


class _NodeEvents:
    """Counts finished nodes from dbt's own events."""

    def __init__(self, progress: Callable[[str, int, int], None]) -> None:
        self.progress = progress

    def __call__(self, event: object) -> None:
        info, data = event.info, event.data  # type: ignore[attr-defined]
        if info.name in {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}:
            total = data.num_models if info.name == "LogTestResult" else data.total
            self.progress(data.node_info.node_name, data.index, total)


def _collect(outcome: object) -> DbtResult:
    result = DbtResult()
    for item in getattr(outcome, "results", []):
        name = item.node.name
        result.statuses[name] = str(item.status)
        result.seconds[name] = float(item.execution_time)
        if str(item.status) in {"error", "fail"}:
            result.failures[name] = " ".join((item.message or "").split())[:500]
    return result


def variables(settings: Settings) -> dict[str, Any]:
    """Return the variables of dbt_project.yml, where business settings live, with those of the settings over them."""
    return _listed(settings) | _own_variables(settings)


def _listed(settings: Settings) -> dict[str, Any]:
    document = yaml.safe_load((settings.project_directory / "dbt_project.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = document.get("vars") or {}
    return found


def _own_variables(settings: Settings) -> dict[str, Any]:
    if not settings.dbt_variables:
        return {}
    if unknown := sorted(settings.dbt_variables.keys() - _listed(settings).keys()):
        raise RevlayerError(
            f"REVLAYER_DBT_VARIABLES names {', '.join(unknown)}, which dbt_project.yml does not have",
            "Its variables stand there under vars, each with what it means.",
        )
    return settings.dbt_variables


@contextmanager
def environment(settings: Settings, role: str = "transformer") -> Iterator[None]:
    """Put the connection into the environment that profiles.yml reads, and take it out again.

    Args:
        role: who dbt is in the database.
    """
    url = connection_url(settings)
    parts = conninfo_to_dict(url)
    wanted = {
        **libpq_environment(url),
        "REVLAYER_DBT_HOST": parts.get("host") or "localhost",
        "REVLAYER_DBT_PORT": parts.get("port") or "5432",
        "REVLAYER_DBT_USER": parts.get("user") or "",
        "REVLAYER_DBT_PASSWORD": parts.get("password") or "",
        "REVLAYER_DBT_DBNAME": parts.get("dbname") or "",
        "REVLAYER_DBT_SSLMODE": parts.get("sslmode") or "prefer",
        "REVLAYER_DBT_ROLE": settings.role(role),
        "REVLAYER_ROLE_PREFIX": settings.role_prefix,
        # Sessions work in UTC; just-in-time compilation costs the many short statements more than it saves.
        "PGOPTIONS": f"{parts.get('options') or ''} -c timezone=UTC -c jit=off".strip(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: str(value) for name, value in wanted.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
