"""A head repeated on each of its lines is one row; what may differ is that of the first line, all else may not."""

import json

import pytest

from revlayer.importing import ImportProblem, import_mapping

HEADER = "order,time,customer\n"
FOUND = "select source_id, occurred_at::text, customer_source_id from raw.orders where source_name = %s order by 1"
ORDERS = {
    "table": "orders",
    "file": "lines.csv",
    "key": "order",
    "repeats": "same",
    "may_differ": ["occurred_at"],
    "columns": {"occurred_at": "time", "customer_source_id": "customer"},
}


@pytest.fixture
def imported(import_database, tmp_path, request):
    """Import lines; return the orders that came of it and what was rejected."""

    def run(lines: str, **changes: object):
        (tmp_path / "lines.csv").write_text(HEADER + lines, encoding="utf-8")
        source = request.node.name.split("[")[0]
        document = {"source_name": source[:60], "exported_at": "2025-01-31", "targets": [ORDERS | changes]}
        (tmp_path / "mapping.yml").write_text(json.dumps(document), encoding="utf-8")
        with import_database.connect("loader") as conn:
            summary = import_mapping(conn, tmp_path / "mapping.yml", tmp_path)
            orders = conn.execute(FOUND, [source[:60]]).fetchall()
            conn.rollback()
        return orders, summary.rejected_count

    return run


LINES = "A,2025-01-02 10:00,x\nA,2025-01-02 10:01,x\nB,2025-01-03 09:00,y\nA,2025-01-02 09:59,x\n"


def test_the_first_line_has_the_time(imported):
    orders, rejected = imported(LINES)
    assert orders == [("A", "2025-01-02 10:00:00+00", "x"), ("B", "2025-01-03 09:00:00+00", "y")]
    assert rejected == 0


def test_other_columns_may_not_differ(imported):
    orders, rejected = imported(LINES + "B,2025-01-03 09:05,x\n")
    assert len(orders) == 2 and rejected == 1


def test_without_leave_times_may_not_differ_either(imported):
    assert imported(LINES, may_differ=[])[1] == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"repeats": "reject"}, "repeats: same"), ({"may_differ": ["currency_code"]}, "currency_code")],
)
def test_leave_that_means_nothing_is_refused(imported, changes, message):
    with pytest.raises(ImportProblem, match=message):
        imported("A,2025-01-02,x\n", **changes)
