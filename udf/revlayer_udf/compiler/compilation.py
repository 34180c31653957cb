"""A model as SQL functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from revlayer_udf.compiler.function import (
    create,
    explain_query,
    program_of,
    relation_query,
    row_query,
    rows_query,
)
from revlayer_udf.compiler.program import Program
from revlayer_udf.manifest import Manifest
from revlayer_udf.reasons import explain_graph
from revlayer_udf.reasons.explanation import BASE_SCORE, CONTRIBUTIONS
from revlayer_udf.signatures import Function, Signatures

Form = Literal["auto", "case", "table"]


@dataclass(frozen=True)
class CompiledModel:
    """A model's functions, ready to be installed.

    Attributes:
        manifest: of the model.
        artefact: what was compiled.
        predict: program of the predictions.
        explain: program of the reasons; None where the raw score cannot be split by feature.
    """

    manifest: Manifest
    artefact: bytes
    predict: Program
    explain: Program | None

    @property
    def leaf_count(self) -> int:
        """Leaves of the predictions' tree ensembles."""
        return self.predict.leaf_count

    @property
    def form(self) -> str:
        """How the predictions' tree ensembles are written: ``case``, ``table``, or both; '' without any."""
        return "+".join(sorted(set(self.predict.forms)))

    def functions(self, name: str | None = None) -> list[tuple[Function, sql.Composed, Sequence[Any]]]:
        """Return, for each function, its signature, its statement, and the forests it reads.

        Args:
            name: stands for the target in the functions' names.
        """
        signatures = Signatures.of(self.artefact, self.manifest, name)
        forests = self.predict.forests
        row = row_query(self.predict, self.manifest, signatures.row)
        rows = rows_query(signatures.row, signatures.rows)
        found: list[tuple[Function, sql.Composed, Sequence[Any]]] = [
            (signatures.row, create(signatures.row, row, is_set=False, reads_tables=bool(forests)), forests),
            (signatures.rows, create(signatures.rows, rows, is_set=True, reads_tables=bool(forests)), ()),
        ]
        if self.explain is not None and signatures.explain is not None:
            reasons = explain_query(self.explain, self.manifest)
            statement = create(signatures.explain, reasons, is_set=False, reads_tables=bool(self.explain.forests))
            found.append((signatures.explain, statement, self.explain.forests))
        return found

    def query(self) -> str:
        """Return one SELECT over the feature relation, key and predictions of every row.

        Only with trees written as CASE does it run in parallel workers; compile with that form.
        """
        row = Signatures.of(self.artefact, self.manifest).row
        return relation_query(self.predict, self.manifest, row, self.manifest.entity_key)

    def to_sql(self) -> str:
        """Return the statements that create the functions, for people and for files."""
        return "".join(f"{statement.as_string(None)};\n" for _, statement, _ in self.functions())


def compile_model(artefact: bytes, manifest: Manifest, *, form: Form = "auto") -> CompiledModel:
    """Compile a model.

    Args:
        form: how tree ensembles are written: nested ``case``, rows of a ``table``, or by their size.

    Raises:
        UnsupportedOperator: the graph has what has no translation; named.
        FeatureError: more features than a function takes.
    """
    Signatures.of(artefact, manifest)
    predict = program_of(artefact, manifest.predictions, form)
    explained = explain_graph(artefact, manifest) if manifest.raw_output else None
    explain = None
    if explained is not None and manifest.raw_output:
        explain = program_of(explained, [BASE_SCORE, CONTRIBUTIONS, manifest.raw_output], form)
    return CompiledModel(manifest, artefact, predict, explain)
