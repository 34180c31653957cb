"""Imports of one file of deals, as tests write it, and what came of them."""

import json
from pathlib import Path

from revlayer.importing import import_mapping

HEADER = "id,title,stage,value,opened,due,champion\n"
STAGES = {
    "table": "stages",
    "key": "name",
    "rows": [
        {"name": "Open", "order": "1", "kind": "open"},
        {"name": "Won", "order": "2", "kind": "won"},
    ],
    "columns": {"name": "name", "sort_order": "order", "kind": "kind"},
}
DEALS = {
    "table": "deals",
    "file": "deals.csv",
    "key": "id",
    "columns": {
        "name": "title",
        "stage_source_id": {"from": "stage", "required": True},
        "amount": "value",
        "occurred_at": "opened",
        "expected_close_on": {"from": "due", "date_format": "%m/%d/%Y"},
        "has_champion": "champion",
    },
}


class Importer:
    """Imports under a source name of the test's own and looks at what came of it."""

    def __init__(self, database, folder: Path, source: str) -> None:
        self.conn = database.connect("loader")
        self.folder = folder
        self.source = source

    def run(self, content: str | bytes, *targets: dict, dry_run: bool = False, **options):
        data = content.encode() if isinstance(content, str) else content
        (self.folder / "deals.csv").write_bytes(data)
        mapping = {"source_name": self.source, "exported_at": "2025-01-31", **options}
        mapping["targets"] = list(targets) or [STAGES, DEALS]
        path = self.folder / "mapping.yml"
        path.write_text(json.dumps(mapping))  # JSON is YAML too
        return import_mapping(self.conn, path, self.folder, dry_run=dry_run)

    def deals(self, columns: str = "source_id"):
        query = f"select {columns} from raw.deals where source_name = %s order by source_id"
        return [row if len(row) > 1 else row[0] for row in self.conn.execute(query, [self.source]).fetchall()]

    def rejects(self, summary):
        query = "select file_name, line_number, reason, row_text from raw.rejected_rows where import_id = %s"
        return self.conn.execute(query + " order by line_number", [summary.import_id]).fetchall()

    def last_run(self):
        query = """select status, error, read_count, accepted_count, rejected_count from raw.import_runs
                   where source_name = %s order by import_id desc limit 1"""
        return self.conn.execute(query, [self.source]).fetchone()
