"""docs/data-contract.md says what the database holds: every table, column and type of raw."""

import re
from pathlib import Path

CONTRACT = Path(__file__).parents[2] / "docs" / "data-contract.md"
COMMON = {"source_name", "source_id", "occurred_at", "recorded_at", "loaded_at", "deleted_at"}
HISTORY = {"field_name", "old_value", "new_value"}
TYPES = {"double precision": "double", "timestamp with time zone": "timestamptz"}

COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'raw'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"""


def documented() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^### raw\.", CONTRACT.read_text(), flags=re.MULTILINE)[1:]:
        name = section.split()[0]
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (?:immutable|tracked|current) \|", section, re.MULTILINE)
        found[name] = dict(rows)
    return found


def test_every_raw_column_is_documented_with_its_type(import_database):
    with import_database.connect("loader") as conn:
        rows = conn.execute(COLUMNS).fetchall()
    actual: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        actual.setdefault(table, {})[column] = TYPES.get(kind, kind.replace(",", ", "))
    told = documented()
    assert set(told) == set(actual)
    for table, columns in actual.items():
        repeated = COMMON if "deleted_at" in columns else set()
        repeated = repeated | (HISTORY if set(columns) >= HISTORY else set())
        expected = {name: kind for name, kind in columns.items() if name not in repeated}
        assert told[table] == expected, table
