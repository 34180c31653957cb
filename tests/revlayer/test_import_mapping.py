"""What a mapping file may say; every error names the place in the file."""

import copy
from pathlib import Path

import pytest
import yaml

from revlayer.importing import ImportProblem, import_mapping
from revlayer.importing.mapping_file import read_mapping

GOOD = {
    "source_name": "crm",
    "exported_at": "2025-01-01",
    "targets": [{"table": "products", "file": "p.csv", "key": "id", "columns": {"name": "name"}}],
}


def write(folder: Path, document: object) -> Path:
    path = folder / "mapping.yml"
    text = document if isinstance(document, str) else yaml.safe_dump(document, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return path


def changed(place: str, value: object) -> dict:
    """The good mapping with one thing set, such as targets.0.table."""
    document = copy.deepcopy(GOOD)
    *path, last = place.split(".")
    node = document
    for part in path:
        node = node[int(part)] if part.isdigit() else node[part]
    node[last] = value
    return document


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("source_name", "a b; drop table raw.deals", "source_name"),
        ("exported_at", "yesterday", "exported_at"),
        ("time_zone", "Mars/Olympus", "time_zone: .*no time zone"),
        ("time_zone", "../../etc/passwd", "time_zone"),
        ("colour", "red", "colour: Extra inputs"),
        ("targets", [], "targets"),
        ("targets.0.table", "deals; drop table raw.deals", r"targets\.0\.table"),
        ("targets.0.columns", {'na"me': "x"}, r"targets\.0\.columns"),
        ("targets.0.columns", {"name": {"from": "a", "constant": "b"}}, r"targets\.0\.columns\.name: .*either"),
        ("targets.0.columns", {"name": {"from": "a", "type": "money"}}, r"columns\.name\.type"),
        ("targets.0.columns", {"source_name": "a"}, "source_name is set by the importer"),
        ("targets.0.key", {"columns": "a", "content": True}, r"targets\.0\.key: .*either"),
        ("targets.0.rows", [{"id": "1"}], r"either 'file' or 'rows'"),
        ("targets.0.when", {"x": {"in": ["a"], "not_in": ["b"]}}, r"targets\.0\.when\.x"),
        ("targets.0.attributes", {"a'b": "x"}, r"targets\.0\.attributes"),
        ("targets.0.delimiter", ";;", r"targets\.0\.delimiter"),
    ],
)
def test_errors_name_the_place(tmp_path, place, value, message):
    with pytest.raises(ImportProblem, match=message):
        read_mapping(write(tmp_path, changed(place, value)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source_name: a\nsource_name: b\n", "'source_name' stands twice"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: [1\n", "not readable as YAML"),
        ("- a\n", "holds no mapping"),
        ("exported_at: !!timestamp 2024-13-45\n", "not readable as YAML: month must be"),
        ("exported_at: 2024-13-45\n", "exported_at: Input should be a valid datetime"),
        ("a: !!python/object/apply:os.system ['true']\n", "not readable as YAML"),
    ],
)
def test_bad_yaml(tmp_path, text, message):
    with pytest.raises(ImportProblem, match=message):
        read_mapping(write(tmp_path, text))


def test_missing_mapping_file(tmp_path):
    with pytest.raises(ImportProblem, match="cannot read the mapping file"):
        read_mapping(tmp_path / "none.yml")


def test_scalars_stay_as_they_are_written(tmp_path):
    text = """
source_name: crm
exported_at: 2025-01-01
targets:
  - table: products
    file: p.csv
    key: no
    columns: {name: {from: name, values: {yes: 1.10, Unknown: null, x: ~}}}
"""
    mapping, digest = read_mapping(write(tmp_path, text))
    assert mapping.targets[0].key.columns == ["no"]
    assert mapping.targets[0].columns["name"].values == {"yes": "1.10", "Unknown": None, "x": None}
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("targets.0.table", "pg_class", "no raw table 'pg_class'"),
        ("targets.0.table", "import_runs", "no raw table 'import_runs'"),
        ("targets.0.table", "rejected_rows", "no raw table"),
        ("targets.0.columns", {"nam": "name"}, "no column 'nam'"),
        ("targets.0.columns", {"ctid": "name"}, "no column 'ctid'"),
        ("targets.0.columns", {"name": {"from": "name", "type": "number"}}, "is a text, not a number"),
        ("targets.0.columns", {"name": {"from": "name", "references": "truth"}}, "no raw table 'truth'"),
        ("targets.0.columns", {"name": "title"}, "p.csv has no column 'title'"),
        ("targets.0.file", "../mapping.yml", "leads out of the data folder"),
        ("targets.0.file", "/etc/passwd", "leads out of the data folder"),
        ("targets.0.file", "q.csv", "there is no file"),
        ("targets.0.changes", [{"field": "source_name", "value": "name"}], "is no field that changes"),
        ("targets.0.changes", [{"field": "nothing", "value": "name"}], "no column 'nothing'"),
        ("targets.0.columns", {"name": "twice"}, "has the column 'twice' twice"),
    ],
)  # fmt: skip
def test_names_must_stand_in_the_catalogue(import_database, tmp_path, place, value, message):
    data = tmp_path / "data"
    data.mkdir()
    (data / "p.csv").write_text("id,name,twice,twice\n1,a,b,c\n")
    path = write(tmp_path, changed(place, value))
    with import_database.connect("loader") as conn, pytest.raises(ImportProblem, match=message):
        import_mapping(conn, path, data)
    with import_database.connect("loader") as conn:
        last = "select status, error from raw.import_runs order by import_id desc limit 1"
        assert conn.execute(last).fetchone()[0] == "failed"


HOSTILE = "x'); drop table raw.products; --%s{}\"\\"


def test_hostile_text_is_data(import_database, tmp_path):
    """Headers, values, constants and attribute values reach the database as what they are."""
    document = changed("targets.0.columns", {"name": HOSTILE, "family": {"constant": HOSTILE}})
    document["targets"][0]["attributes"] = {"odd": HOSTILE}
    document["targets"][0]["changes"] = [{"field": "name", "value": {"constant": HOSTILE}, "old_value": HOSTILE}]
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    (tmp_path / "p.csv").write_text(f"id,{quoted}\n{quoted},{quoted}\n")
    with import_database.connect("loader") as conn:
        summary = import_mapping(conn, write(tmp_path, document), tmp_path)
        row = conn.execute("select source_id, name, family from raw.products where name = %s", [HOSTILE]).fetchone()
        kept = conn.execute("select value from raw.entity_attributes where name = 'odd'").fetchone()
        change = conn.execute(
            "select old_value, new_value from raw.product_changes where old_value is not null"
        ).fetchone()
    assert summary.rejected_count == 0
    assert row == (HOSTILE,) * 3
    assert kept == (HOSTILE,)
    assert change == (HOSTILE, HOSTILE)
