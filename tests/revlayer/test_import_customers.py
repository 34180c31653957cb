"""Purchases and labelled snapshots from public files: every row arrives, typed, once."""

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from revlayer.importing import import_mapping
from revlayer.importing.mapping import Target

MAPPINGS = Path(__file__).parents[2] / "mappings"
SNAPSHOT = "7590-VHVEG"


@pytest.fixture(scope="module")
def imported(make_database, test_data):
    database = make_database("customers")
    summaries = {}
    with database.connect("loader") as conn:
        for name in ("cdnow", "telco_churn"):
            summaries[name] = import_mapping(conn, MAPPINGS / f"{name}.yml", test_data / name)
            again = import_mapping(conn, MAPPINGS / f"{name}.yml", test_data / name)
            assert again.changed_count == 0
    return database, summaries


@pytest.fixture
def ask(imported):
    def run(query: str):
        with imported[0].connect("loader") as conn:
            return conn.execute(query).fetchall()

    return run


def test_every_purchase_of_cdnow_is_an_order(imported, ask, test_data):
    lines = (test_data / "cdnow" / "CDNOW_master.txt").read_text().splitlines()[1:]
    expected = Counter(
        (customer, date(int(day[:4]), int(day[4:6]), int(day[6:])), Decimal(dollars))
        for customer, day, _, dollars in (line.split() for line in lines)
    )
    found = Counter(ask(
        "select customer_source_id, occurred_at::date, subtotal_amount from raw.orders where source_name = 'cdnow'"
    ))  # fmt: skip
    assert found == expected
    assert (found.total(), len({customer for customer, _, _ in found})) == (69_659, 23_570)
    assert imported[1]["cdnow"].rejected_count == 0


def test_snapshots_of_telco_carry_their_label_and_typed_features(imported, ask):
    assert imported[1]["telco_churn"].rejected_count == 0
    assert ask(
        "select count(*), count(*) filter (where is_churned), count(plan_value) from raw.customer_snapshots"
    ) == [(7043, 1869, 7043)]
    features = ask(
        "select name, number_value, text_value from raw.customer_snapshot_features"
        f" where customer_snapshot_source_id = '{SNAPSHOT}' order by name"
    )
    assert len(features) == 18
    assert {name: number for name, number, _ in features if number is not None} == {
        "tenure_months": 1.0,
        "total_charges": 29.85,
        "is_senior": 0.0,
    }
    assert {name: text for name, _, text in features}["contract"] == "Month-to-month"


def test_blank_total_charges_are_unknown(ask):
    missing = (
        "select name, count(*) from raw.customer_snapshot_features where number_value is null and text_value is null"
    )
    assert ask(f"{missing} group by name") == [("total_charges", 11)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"table": "customers"}, "'features' are for customer_snapshots only"),
        ({"features": {"joined": {"from": "x", "type": "date"}}}, "a feature's type is text or number"),
        ({"features": {"Joined": "x"}}, "pattern"),
        ({"features": {"plan_value": "x"}}, "plan_value is a column of customer_snapshots: map it under 'columns'"),
        ({"features": {"segment_id": "x"}}, "a feature may not be called segment_id, .* give it another name"),
    ],
)
def test_features_are_texts_and_numbers_of_snapshots(changed, message):
    target = {"table": "customer_snapshots", "file": "f.csv", "key": "id", "columns": {}, "features": {"x": "x"}}
    Target.model_validate(target)
    with pytest.raises(ValueError, match=message):
        Target.model_validate(target | changed)


def test_spaces_as_delimiter_are_one_where_several_stand_together(make_database, tmp_path):
    (tmp_path / "b.txt").write_text("  id   name\n 1   Ann\n\n22 Bo\n")
    (tmp_path / "m.yml").write_text(
        'source_name: t\nexported_at: 2024-01-01\ndelimiter: " "\ntargets:\n'
        "  - {table: customers, file: b.txt, key: id, columns: {name: id}}\n"
    )
    with make_database("spaces").connect("loader") as conn:
        summary = import_mapping(conn, tmp_path / "m.yml", tmp_path)
        assert conn.execute("select source_id from raw.customers order by 1").fetchall() == [("1",), ("22",)]
    assert summary.rejected_count == 0
