"""Net revenue of orders by month, against a calculation straight from the file."""

import csv
import gzip
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from pathlib import Path

import pytest

from revlayer import dbt
from revlayer.importing import import_mapping

MAPPING = Path(__file__).parents[3] / "mappings" / "online_retail.yml"
VARIABLES = {"as_of_date": "2011-12-10", "reporting_currency": "GBP", "reporting_time_zone": "Europe/London"}
# Every eighteenth thousand of lines, so that all months are there.
CHUNK, EVERY = 1_000, 18
NET = "select month_start_on, net_amount from marts.order_revenue_monthly"


def directly(path: Path) -> dict[date, Decimal]:
    """Quantity × price of every line to the cent, by month."""
    months: defaultdict[date, Decimal] = defaultdict(Decimal)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            month = date.fromisoformat(row["InvoiceDate"][:7] + "-01")
            amount = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"])
            months[month] += amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return dict(months)


def imported(database, folder: Path, target_path: Path) -> dict[date, Decimal]:
    """Import a file through the mapping, build the model, and return net revenue by month."""
    with database.connect("loader") as conn:
        summary = import_mapping(conn, MAPPING, folder)
        conn.commit()
    assert summary.rejected_count == 0
    dbt.run(database.settings, ["run", "--select", "+order_revenue_monthly"], VARIABLES, target_path=target_path)
    with database.connect("reader") as conn:
        return dict(conn.execute(NET).fetchall())


@pytest.fixture(scope="module")
def part(test_data, tmp_path_factory) -> Path:
    """A folder with a part of the file."""
    folder = tmp_path_factory.mktemp("retail")
    source = test_data / "online_retail" / "online_retail.csv.gz"
    with gzip.open(source, "rb") as lines, gzip.open(folder / source.name, "wb", compresslevel=1) as kept:
        kept.write(next(lines))
        while chunk := list(islice(lines, CHUNK * EVERY)):
            kept.writelines(chunk[:CHUNK])
    return folder


def test_net_revenue_by_month_equals_the_file(make_database, part, tmp_path):
    database = make_database("retail")
    expected = directly(part / "online_retail.csv.gz")
    assert len(expected) == 13
    assert imported(database, part, tmp_path) == expected
    with database.connect("reader") as conn:
        returned, gross, net, without_customer, reported = conn.execute(
            """select sum(return_amount), sum(gross_amount), sum(net_amount), sum(line_without_customer_count),
               sum(net_reporting_amount) from marts.order_revenue_monthly"""
        ).fetchone()
    assert returned < 0 < without_customer
    assert gross + returned == net == reported


@pytest.mark.slow
def test_the_whole_file(make_database, test_data, tmp_path):
    folder = test_data / "online_retail"
    found = imported(make_database("retail_whole"), folder, tmp_path)
    assert found == directly(folder / "online_retail.csv.gz")
    assert sum(found.values()) == Decimal("9747747.93")
