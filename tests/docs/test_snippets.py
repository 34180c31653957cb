"""What the documents show works: queries run, commands exist, links lead somewhere."""

import re
import shlex
from pathlib import Path

import psycopg
import pytest
import typer

from revlayer import pipeline, semantic_layer
from revlayer.cli.main import app
from revlayer_udf import functions

ROOT = Path(__file__).parents[2]
QUERIED = ("customer-value", "deployment", "compiled-sql", "finance", "models", "operations")
WITH_QUERIES = ("README.md", *(f"docs/{name}.md" for name in QUERIED))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/*.md")])
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", flags=re.DOTALL | re.MULTILINE)
# A line of a block, or in backticks within a text.
SHOWN = re.compile(r"^(?:\.venv/bin/)?revlayer (.+?)(?: +#.*)?$", flags=re.MULTILINE)
NAMED = re.compile(r"`(?:\.venv/bin/)?revlayer\s+([^`]+)`")
# What the documents say only `revlayer db psql` reads.
NOT_FOR_READERS = ("features.", "scoring.run", "audit.trail", "create role")


def fences(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [body for kind, body in FENCE.findall(text) if kind == language]


QUERIES = [
    pytest.param(body, id=f"{name} {number}")
    for name in WITH_QUERIES
    for number, body in enumerate(fences(name, "sql"), 1)
]


def commands(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    shown = [command for kind, body in FENCE.findall(text) if not kind for command in SHOWN.findall(body)]
    return [" ".join(command.split()) for command in (*shown, *NAMED.findall(FENCE.sub("", text)))]


COMMANDS = sorted({command for path in DOCUMENTS for command in commands(path)})


@pytest.fixture(scope="module")
def installed(make_database, company, models_only):
    """The company with the functions of its win model and the view over them."""
    database = make_database("documents", company)
    with database.connect("scorer") as conn:
        functions.install(conn, "deal_win", "sql")
    day = pipeline.resolve_as_of(database.settings, None)
    pipeline.build(database.settings, "marts", day, lambda what, done, total: None)
    return database


@pytest.mark.parametrize("query", QUERIES)
def test_queries_run_for_whom_the_text_says(installed, query):
    reads = None if any(name in query for name in NOT_FOR_READERS) else "reader"
    with installed.connect(reads) as conn:
        cursor = conn.execute(query)
        results = [bool(cursor.fetchall())] if cursor.description else []
        while cursor.nextset():
            results += [bool(cursor.fetchall())] if cursor.description else []
        conn.rollback()
    assert all(results)
    assert results or "create role" in query


def test_readers_see_no_features(installed):
    with installed.connect("reader") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select * from features.ftr_deals limit 1")


def test_the_call_that_is_written_out_scores_as_the_view_does(installed):
    [query] = [part for body in fences("docs/deployment.md", "sql") for part in body.split(";") if "pg_proc" in part]
    with installed.connect() as conn:
        call = conn.execute(query).fetchone()[0]
        apart, count = conn.execute(
            "select max(abs(p.win_probability - live.win_probability)), count(*) from marts.live_deal_scores as live"
            " inner join features.ftr_deals as f using (deal_id, as_of_date)"
            f" cross join lateral {call} as p"
        ).fetchone()
    assert apart == 0 and count > 0


def test_there_are_queries_and_commands():
    assert len(QUERIES) >= 8 and len(COMMANDS) >= 15


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_and_their_options_exist(command):
    found, words = typer.main.get_command(app), shlex.split(command)
    while words and hasattr(found, "commands"):
        assert words[0] in found.commands, f"there is no command {words[:1]}"
        found = found.commands[words.pop(0)]
        if found.name == "mf" and words:  # MetricFlow's own from here on
            found = semantic_layer.COMMANDS[words.pop(0)]
    if found.context_settings.get("ignore_unknown_options"):  # psql's own options
        return
    known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        if "://" in name:
            continue
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], target
