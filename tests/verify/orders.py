"""Net revenue of the public online retail orders, all of them, against a calculation straight from the file."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from revlayer import dbt
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer.importing import import_mapping
from tests.dbt.commerce.test_order_revenue import MAPPING, NET, VARIABLES, directly
from tests.verify.company import database
from tests.verify.report import Line, Section

NET_REVENUE = Decimal("9747747.93")
HEADER = ("month", "net revenue", "from the file")


def check(server: EmbeddedServer, data: Path | None) -> Section:
    """Import the whole file, build the model, and compare every month to the cent."""
    section = Section("Net revenue of the online retail orders")
    if data is None:
        section.miss_data()
        return section
    folder = data / "online_retail"
    with database(server) as settings, TemporaryDirectory() as target:
        with connect(settings, "loader") as conn:
            rejected = import_mapping(conn, MAPPING, folder).rejected_count
            conn.commit()
        dbt.run(settings, ["run", "--select", "+order_revenue_monthly"], VARIABLES, target_path=Path(target))
        with connect(settings, "reader") as conn:
            found: dict[date, Decimal] = dict(conn.execute(NET).fetchall())
    expected = directly(folder / "online_retail.csv.gz")
    total = sum(found.values(), Decimal(0))
    different = sum(found.get(month) != expected.get(month) for month in found.keys() | expected.keys())
    section.lines.append(Line("net revenue, returns included", f"{total:,}", f"{NET_REVENUE:,}", total == NET_REVENUE))
    section.lines.append(Line("months that differ from the file", f"{different}", "0", different == 0))
    section.lines.append(Line("rows refused", f"{rejected}", "0", rejected == 0))
    cells = [(month, f"{found.get(month, 0):,}", f"{expected[month]:,}") for month in sorted(expected)]
    section.tables.append(("By month:", HEADER, cells))
    return section
