"""A mapping checked against the catalogue: every name is known before a file is opened."""

from dataclasses import dataclass, field
from pathlib import Path

from revlayer.importing.catalogue import Catalogue, Column, RawTable
from revlayer.importing.mapping import Change, Mapping, Target, ValueSpec
from revlayer.importing.problems import ImportProblem
from revlayer.importing.values import Reader

# A deal in a stage that nobody declared has no place in the funnel.
_ALWAYS_REFERENCES = {"stage_source_id": "stages"}
# Of no interest once changed; times are facts of their own.
_NOT_TRACKED = frozenset(("name", "email", "subject", "description", "invoice_number"))
_NAMES_TRACKED_IN = frozenset(("products", "plans"))


@dataclass(frozen=True)
class PlannedChange:
    """A change of the mapping with its readers; ``value_column`` and ``at_column`` are those of staging."""

    change: Change
    value: Reader
    at: Reader | None
    value_column: str
    at_column: str


@dataclass(frozen=True)
class Plan:
    """One target, ready to be read and loaded.

    Attributes:
        number: position among the targets, from 1.
        path: the file; None for rows in the mapping.
        file_name: how reports name it.
        references: staging column → raw table that must hold its key.
        attributes: name → (staging column, column of the file).
        features: name → (staging column, reader).
        observed: history that keeps what earlier exports showed; None where the mapping imports it itself.
    """

    number: int
    target: Target
    table: RawTable
    path: Path | None
    file_name: str
    encoding: str
    delimiter: str
    readers: dict[str, Reader]
    changes: list[PlannedChange]
    history: RawTable | None
    attributes: dict[str, tuple[str, str]]
    features: dict[str, tuple[str, Reader]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    observed: RawTable | None = None

    @property
    def observed_fields(self) -> dict[str, str]:
        """Tracked fields whose history is only what exports showed, with their raw columns."""
        dated = {planned.change.field for planned in self.changes}
        found = {
            column.removesuffix("_source_id"): column
            for column in self.readers
            if not column.endswith("_at")
            and (column not in _NOT_TRACKED or (column == "name" and self.table.name in _NAMES_TRACKED_IN))
        }
        return {name: column for name, column in found.items() if name not in dated}

    @property
    def staged_columns(self) -> list[str]:
        """Columns of staging that are read from the file."""
        dated = [name for planned in self.changes for name in (planned.value_column, planned.at_column)]
        further = [column for column, _ in (*self.attributes.values(), *self.features.values())]
        return [*self.readers, *further, *dated]

    def headers(self) -> list[str]:
        """Return every column of the file that the target uses."""
        wanted = [*self.target.key.columns, *self.target.when]
        for reader in (*self.readers.values(), *(reader for _, reader in self.features.values())):
            wanted += reader.spec.source
        for planned in self.changes:
            wanted += [*planned.change.when, *planned.value.spec.source]
            wanted += planned.at.spec.source if planned.at else []
        wanted += [header for _, header in self.attributes.values()]
        return list(dict.fromkeys(wanted))

    def check_header(self, header: list[str]) -> None:
        """Refuse a file that lacks a column or has it twice.

        Raises:
            ImportProblem: names the columns and the file.
        """
        missing = [name for name in self.headers() if name not in header]
        if missing:
            raise ImportProblem(
                f"{self.file_name} has no column {', '.join(map(repr, missing))}",
                f"It has: {', '.join(header)} (delimiter {self.delimiter!r}). Mend the mapping or the export.",
            )
        twice = [name for name in self.headers() if header.count(name) > 1]
        if twice:
            raise ImportProblem(
                f"{self.file_name} has the column {twice[0]!r} twice", "Give the columns different names."
            )


def make_plans(mapping: Mapping, mapping_path: Path, catalogue: Catalogue, data_directory: Path) -> list[Plan]:
    """Check every name in the mapping.

    Raises:
        ImportProblem: a table, column, file or reference is unknown; the message says where it stands.
    """
    return [
        _Planner(mapping, catalogue, number, target).plan(mapping_path, data_directory)
        for number, target in enumerate(mapping.targets, start=1)
    ]


@dataclass
class _Planner:
    mapping: Mapping
    catalogue: Catalogue
    number: int
    target: Target
    references: dict[str, str] = field(default_factory=dict)

    def plan(self, mapping_path: Path, data_directory: Path) -> Plan:
        target, where = self.target, f"targets.{self.number - 1}"
        table = self.catalogue.table(target.table, f"{where}.table")
        path = None if target.file is None else _find(data_directory, target.file, f"{where}.file")
        readers = {
            name: self._reader(table.column(name, f"{where}.columns"), spec, name, f"{where}.columns.{name}")
            for name, spec in target.columns.items()
        }
        self._check_required(table, where)
        return Plan(
            number=self.number,
            target=target,
            table=table,
            path=path,
            file_name=path.name if path else mapping_path.name,
            encoding=target.encoding or self.mapping.encoding,
            delimiter=target.delimiter or self.mapping.delimiter,
            readers=readers,
            changes=self._changes(table, where),
            history=self.catalogue.history_of(table, f"{where}.changes") if target.changes else None,
            attributes={
                name: (f"attribute_{index}", header) for index, (name, header) in enumerate(target.attributes.items())
            },
            features=self._features(where),
            references=self.references,
            observed=self._observed(table),
        )

    def _features(self, where: str) -> dict[str, tuple[str, Reader]]:
        made = {}
        for index, (name, spec) in enumerate(self.target.features.items()):
            column = Column(f"feature_{index}", "float8" if spec.type == "number" else "text", False, None)
            made[name] = (column.name, self._reader(column, spec, column.name, f"{where}.features.{name}"))
        return made

    def _observed(self, table: RawTable) -> RawTable | None:
        history = self.catalogue.tables.get(f"{table.entity}_changes")
        imported = {target.table for target in self.mapping.targets}
        observes = "observed_at" in table.columns and "observed_at" not in self.target.columns
        return history if history and observes and history.name not in imported else None

    def _check_required(self, table: RawTable, where: str) -> None:
        for column in table.columns.values():
            given = column.name in self.target.columns or column.name in ("source_name", "source_id")
            if column.is_required and not given:
                raise ImportProblem(
                    f"{where}.columns: raw.{table.name}.{column.name} must be mapped: it is never empty"
                )

    def _changes(self, table: RawTable, where: str) -> list[PlannedChange]:
        planned = []
        for index, change in enumerate(self.target.changes):
            place = f"{where}.changes.{index}"
            column = self.catalogue.changed_column(table, change.field, f"{place}.field")
            value = self._reader(column, change.value, f"change_{index}_value", f"{place}.value")
            moment = Column(f"change_{index}_at", "timestamptz", False, None)
            at = self._reader(moment, change.at, moment.name, f"{place}.at") if change.at else None
            planned.append(PlannedChange(change, value, at, f"change_{index}_value", moment.name))
        return planned

    def _reader(self, column: Column, spec: ValueSpec, staging_column: str, where: str) -> Reader:
        if spec.type is not None and spec.type != column.kind:
            raise ImportProblem(
                f"{where}.type: raw column {column.name} is a {column.kind}, not a {spec.type}",
                f"Write type: {column.kind}, or leave it out.",
            )
        parent = spec.references or _ALWAYS_REFERENCES.get(column.name)
        if parent is not None:
            self.references[staging_column] = self.catalogue.table(parent, f"{where}.references").name
        return Reader(
            label=spec.source[0] if len(spec.source) == 1 else column.name,
            spec=spec,
            kind=column.kind,
            zone=self.mapping.zone,
            whole_digits=column.whole_digits,
            is_exact=column.type_name != "float8",
            is_whole=column.type_name in ("int4", "int8"),
        )


def _find(data_directory: Path, name: str, where: str) -> Path:
    folder = data_directory.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise ImportProblem(f"{where}: {name} leads out of the data folder", "Name a file inside --data.")
    if not path.is_file():
        raise ImportProblem(f"{where}: there is no file {path}", "Check --data and the file name.")
    return path
