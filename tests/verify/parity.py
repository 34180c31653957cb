"""Every engine on a million random and adversarial rows of each model: not one row may differ."""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from revlayer.config import Settings
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer_udf import certificate, compiler, engines, frames, plpython, queries, registry
from revlayer_udf.engines import Answer, Unavailable
from revlayer_udf.registry import Model
from revlayer_udf.signatures import Signatures
from tests import parity_models
from tests.parity_models import ParityModel
from tests.plpython_server import NoPlpython, plpython_server
from tests.verify.company import database
from tests.verify.report import Section

TRAINING_ROWS = 20_000
BATCH = 100_000
SET_ROWS = 10_000
NAME = "parity"
HEADER = ("model", "leaves", "output", "engines", "rows", "largest difference", "why not")
SQL = queries.load("tests.verify", "parity.sql")
COMMA = sql.SQL(", ")


@dataclass(frozen=True)
class Server:
    """A server that was there before."""

    address: str

    def url(self) -> str:
        """Return the administrator's connection string."""
        return self.address


@dataclass
class Pair:
    """What two engines made of one model's rows."""

    rows: int = 0
    largest: float = 0.0
    differing: int = 0
    notes: set[str] = field(default_factory=set)


def check(server: EmbeddedServer, rows: int) -> Section:
    """Fit the three kinds of models for a probability and an amount, and score ``rows`` rows of each everywhere."""
    section = Section(f"Parity of engines on {rows:,} rows of each model")
    cells: list[tuple[object, ...]] = []
    with ExitStack() as stack:
        settings = stack.enter_context(database(server))
        python, reason = _python(stack)
        for kind in parity_models.KINDS:
            for task in parity_models.TASKS:
                model = parity_models.fit(kind, task, TRAINING_ROWS)
                pairs = _compare(model, settings, python, reason, rows)
                cells += _cells(model, pairs)
                _hold(section, f"{model.model.manifest.algorithm}, {task}", pairs, rows)
    section.tables.append(
        ("Differences of probabilities as they are, of amounts over max(|a|, standard deviation of the target). The "
         "rows hold nulls, infinities, ends of float32 and beyond, unseen categories, thresholds and their "
         "neighbours:", HEADER, cells)
    )  # fmt: skip
    return section


def _compare(
    fitted: ParityModel, settings: Settings, python: Settings | None, reason: str, rows: int
) -> dict[tuple[str, str], Pair]:
    random, pairs = np.random.default_rng(1), defaultdict[tuple[str, str], Pair](Pair)
    model = fitted.model
    with ExitStack() as stack:
        compiled = stack.enter_context(connect(settings, "scorer"))
        compiler.install(compiled, compiler.compile_model(model.artefact, model.manifest, form="case"), name=NAME)
        _create_rows(compiled, model)
        called = None if python is None else stack.enter_context(connect(python, "scorer"))
        if called is not None:
            registry.register(called, model.artefact, model.manifest)
            plpython.install(called, model.manifest, name=NAME)
            _create_rows(called, model)
        for start in range(0, rows, BATCH):
            held = parity_models.adversarial_rows(fitted.ensemble, min(BATCH, rows - start), random)
            answers: dict[str, Answer] = {
                "trained": fitted.answer(held),
                "onnxruntime": engines.score_onnxruntime(compiled, model, held),
                "sql": _call(compiled, model, held, "score_rows"),
                "plpython": Unavailable(reason) if called is None else _call(called, model, held, "score_sets"),
            }
            for found in certificate.compare(model.manifest, answers, np.ones(held.num_rows, bool)):
                pair = pairs[found.first_engine, found.second_engine]
                pair.rows += found.row_count
                pair.largest = max(pair.largest, found.largest_difference or 0.0)
                pair.differing += found.status == "different"
                pair.notes |= {found.note} if found.note else set()
        print(f"  {model.manifest.algorithm}, {model.manifest.outputs[0]}", flush=True)
    return dict(pairs)


def _hold(section: Section, name: str, pairs: dict[tuple[str, str], Pair], rows: int) -> None:
    asked = [pair for pair in pairs.values() if pair.rows or pair.differing]
    section.check(f"{name}: largest difference of any pair", max(pair.largest for pair in asked),
                  lambda v: v <= certificate.TOLERANCE, "≤ 1e-5")  # fmt: skip
    section.check(f"{name}: rows that an engine left out", rows - min(pair.rows for pair in asked),
                  lambda v: v == 0, "0")  # fmt: skip


def _cells(fitted: ParityModel, pairs: dict[tuple[str, str], Pair]) -> Iterator[tuple[object, ...]]:
    manifest = fitted.model.manifest
    for (first, second), pair in pairs.items():
        largest = f"{pair.largest:.2g}" if pair.rows else None
        yield (manifest.algorithm, f"{fitted.ensemble.leaf_count:,}", manifest.outputs[0], f"{first}, {second}",
               f"{pair.rows:,}", largest, "; ".join(sorted(pair.notes)))  # fmt: skip


def _create_rows(conn: psycopg.Connection, model: Model) -> None:
    arguments = Signatures.of(model.artefact, model.manifest, NAME).row.arguments
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in arguments]
    conn.execute(sql.SQL(SQL["create_rows"]).format(columns=COMMA.join(columns)))


def _call(conn: psycopg.Connection, model: Model, rows: pa.Table, form: str) -> dict[str, NDArray[np.float64]]:
    """Score rows by the row function, or by the set function in sets of 10,000."""
    signatures, (output,) = Signatures.of(model.artefact, model.manifest, NAME), model.manifest.outputs
    function = signatures.rows if form == "score_sets" else signatures.row
    source = "sets" if form == "score_sets" else "held"
    names = [name for name, _ in function.arguments]
    conn.execute(SQL["truncate_rows"])
    frames.copy_in(conn, sql.Identifier("parity_rows"), rows.add_column(0, "place", pa.array(range(rows.num_rows))))
    arrays = [sql.SQL("array_agg({0} order by held.place) as {0}").format(sql.Identifier(name)) for name in names]
    arguments = [sql.SQL("{0} => {1}.{0}").format(sql.Identifier(name), sql.Identifier(source)) for name in names]
    query = sql.SQL(SQL[form]).format(
        output=sql.Identifier(output), size=sql.Literal(SET_ROWS), arrays=COMMA.join(arrays),
        function=sql.Identifier("scoring", function.name), arguments=COMMA.join(arguments),
    )  # fmt: skip
    scored = frames.read_table(conn, query)[output]
    return {output: np.asarray(scored.to_numpy(), np.float64)[:, None]}


def _python(stack: ExitStack) -> tuple[Settings | None, str]:
    """Return a migrated database with PL/Python: of REVLAYER_PLPYTHON_URL, or of the system's server; or why not."""
    try:
        settings = stack.enter_context(database(Server(stack.enter_context(_python_url()))))
    except NoPlpython as error:
        return None, str(error)
    with connect(settings) as conn:
        conn.execute("create extension if not exists plpython3u")
    return settings, ""


@contextmanager
def _python_url() -> Iterator[str]:
    given = os.environ.get("REVLAYER_PLPYTHON_URL")
    if given:
        yield given
        return
    with TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the service user of the server passes through it
        with plpython_server(Path(folder) / "home") as url:
            yield url
