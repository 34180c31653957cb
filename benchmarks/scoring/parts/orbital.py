"""The library orbital: scikit-learn pipelines as one SQL query."""

import pickle
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.scoring.data import FEATURES, PREDICTIONS
from benchmarks.scoring.parts.base import Context, Part, Run, Unavailable

VERSION = "0.6.0"
SCRIPT = Path(__file__).parents[1] / "orbital_sql.py"
SECONDS = 600
SHOWN = 160
# It keeps no column beside the features, so rows are told by their place: one backend writes them in order.
PLACED = sql.SQL(
    "(select 'deal-' || lpad((row_number() over ())::text, 10, '0') as deal_id,"
    ' "output_probability.1" as win_probability from {}) as placed'
).format(PREDICTIONS)


def _orbital(context: Context) -> Run:
    conn = context.connect(autocommit=True)
    conn.execute("set search_path = features")
    conn.execute("set synchronize_seqscans = off")
    conn.execute("set max_parallel_workers_per_gather = 0")
    text = _translated(context)
    context.notes.append(f"{len(text) / 1e6:.1f} MB of SQL")
    statement = sql.SQL("create table {} as {}").format(PREDICTIONS, sql.SQL(text))

    def run() -> None:
        try:
            conn.execute(statement)
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL: {type(error).__name__}: {_first(str(error))}") from None

    return run


def _translated(context: Context) -> str:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin") or shutil.which("uv")
    if uv is None:
        raise Unavailable("uv is not installed, which makes orbital's environment")
    packages = [f"orbital=={VERSION}", *(f"{name}=={version(name)}" for name in ("scikit-learn", "lightgbm"))]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "pipeline.pickle"), Path(folder, "query.sql")
        with source.open("wb") as file:
            pickle.dump((context.model.fitted, FEATURES), file)
        command = [uv, "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable]
        command += [part for package in packages for part in ("--with", package)]
        try:
            done = subprocess.run(
                [*command, "python", str(SCRIPT), str(source), str(target), str(SECONDS + 10)],
                capture_output=True, text=True, timeout=SECONDS, check=False, cwd=folder,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unavailable(f"orbital {VERSION} wrote no SQL within {SECONDS} s") from None
        if not target.is_file():
            raise Unavailable(f"orbital {VERSION} did not run: {_first(done.stderr.strip()[-SHOWN:])}")
        text = target.read_text(encoding="utf-8")
    if done.returncode:
        raise Unavailable(f"orbital {VERSION}: {_first(text)}")
    return text


def _first(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if len(line) <= SHOWN else line[:SHOWN] + " …"


PARTS = (Part("orbital", f"orbital {VERSION}", "alternative", _orbital, predictions=PLACED, creates_table=True),)
