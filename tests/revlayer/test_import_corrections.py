"""A later export that contradicts an earlier one corrects it: known from then on, and not before."""

import pytest
import yaml

from revlayer.importing import import_mapping

STAGE = {
    "table": "stages",
    "key": "name",
    "rows": [{"name": "Won", "sort_order": "1", "kind": "won"}],
    "columns": {"name": "name", "sort_order": "sort_order", "kind": "kind"},
}
DEAL = {
    "table": "deals",
    "file": "deals.csv",
    "key": "id",
    "columns": {"closed_at": "closed", "stage_source_id": "stage"},
    "changes": [
        {"field": "stage", "value": "stage", "at": "closed"},
        {"field": "amount", "value": "amount", "at": "closed"},
    ],
}
LATEST = """
select distinct on (deal_source_id, field_name)
    field_name, new_value, occurred_at::date::text, recorded_at::date::text
from raw.deal_changes where source_name = %s
order by deal_source_id, field_name, coalesce(recorded_at, occurred_at) desc
"""


def export(folder, name, day, rows):
    """Write an export and its mapping; return the mapping's path."""
    folder.mkdir(exist_ok=True)
    lines = ["id,stage,closed,amount", *(",".join(map(str, row)) for row in rows)]
    (folder / "deals.csv").write_text("\n".join(lines) + "\n")
    document = {"source_name": name, "exported_at": day, "targets": [STAGE, DEAL]}
    (folder / "mapping.yml").write_text(yaml.safe_dump(document))
    return folder / "mapping.yml"


@pytest.fixture
def imports(import_database, tmp_path):
    """Return a function that imports rows as the export of a day, and one that reads the latest values."""

    def take(name, day, rows):
        mapping = export(tmp_path / day, name, day, rows)
        with import_database.connect("loader") as conn:
            return import_mapping(conn, mapping, mapping.parent)

    def latest(name):
        with import_database.connect("loader") as conn:
            return conn.execute(LATEST, [name]).fetchall()

    return take, latest


def test_corrected_amounts_win_from_the_export_on(imports):
    take, latest = imports
    first = [(n, "Won", "2025-03-31", 100 + n) for n in range(10)]
    second = [(n, "Won", "2025-03-31", 200 + n) for n in range(10)]
    take("amounts", "2025-04-30", first)
    take("amounts", "2025-05-31", second)
    amounts = [row for row in latest("amounts") if row[0] == "amount"]
    assert [row[1] for row in amounts] == [str(200 + n) for n in range(10)]
    assert {row[2:] for row in amounts} == {("2025-03-31", "2025-05-31")}
    assert take("amounts", "2025-05-31", second).changed_count == 0


def test_a_corrected_day_is_known_from_the_export_on(imports):
    take, latest = imports
    take("days", "2025-04-30", [(1, "Won", "2025-03-31", 100)])
    take("days", "2025-05-31", [(1, "Won", "2025-04-02", 100)])
    assert ("stage", "Won", "2025-04-02", "2025-05-31") in latest("days")


def test_a_first_import_is_no_correction(imports):
    take, latest = imports
    take("first", "2025-04-30", [(1, "Won", "2025-03-31", 100)])
    assert {row[3] for row in latest("first")} == {None}
