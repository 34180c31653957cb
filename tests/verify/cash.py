"""Cash from the public sample of invoices: trained, scored and forecast at the end of each month of 2013."""

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from revlayer import dbt
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer.importing import import_mapping
from revlayer_training import evaluation
from revlayer_training.training import train
from revlayer_udf.cash import forecast_cash
from revlayer_udf.jobs import score_targets
from tests.verify.company import Server, database
from tests.verify.report import Section

MAPPING = Path(__file__).parents[2] / "mappings" / "ar_invoices_ibm.yml"
FILE = "WA_Fn-UseC_-Accounts-Receivable.csv"
LAST_DAY = date(2014, 1, 9)
CUTS = [date(2013, month + 1, 1) - timedelta(days=1) for month in range(1, 12)] + [date(2013, 12, 31)]
TARGET = "invoice_late"
MODEL, TERMS, AVERAGE = "forecast", "terms", "customer average"
PREDICTIONS = """
select p.invoice_id, p.late_probability, p.rung
from scoring.invoice_late_predictions as p
inner join scoring.published_runs as r on p.run_id = r.run_id
where r.as_of_date = %s
"""
WEEKS = """
select f.period_end_on, f.mean_amount, f.p10_amount, f.p90_amount
from scoring.cash_forecasts as f
inner join scoring.published_runs as r on f.run_id = r.run_id
where r.as_of_date = %s and f.period = 'week'
order by f.period_start_on
"""
HEADER = ("as of", "rung", "open", "not due yet", "of these late", "AUC", "AUC of own rate", "cash of 13 weeks",
          "WAPE", "WAPE of terms", "WAPE of customer average")  # fmt: skip
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Invoices:
    """Columns of the file."""

    ids: NDArray[np.str_]
    customer: NDArray[np.int64]
    issued: NDArray[np.datetime64]
    due: NDArray[np.datetime64]
    settled: NDArray[np.datetime64]
    amount: Floats

    @classmethod
    def read(cls, path: Path) -> "Invoices":
        """Read the file as it is, without the product."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        _, customer = np.unique([row["customerID"] for row in rows], return_inverse=True)
        days = (np.array([datetime.strptime(row[name], "%m/%d/%Y").date() for row in rows], "M8[D]")
                for name in ("InvoiceDate", "DueDate", "SettledDate"))  # fmt: skip
        ids = np.array([f"ar_invoices_ibm:{row['invoiceNumber']}" for row in rows])
        return cls(ids, customer, *days, np.array([float(row["InvoiceAmount"]) for row in rows]))

    @property
    def late(self) -> Floats:
        """1 where it was paid after its due date."""
        return (self.settled > self.due).astype(np.float64)

    def own_mean(self, values: Floats, cut: np.datetime64) -> Floats:
        """Return the mean over the invoices that its customer had settled by the cut, or over all of them [N]."""
        known = self.settled <= cut
        counts = np.bincount(self.customer[known], minlength=self.customer.max() + 1)
        sums = np.bincount(self.customer[known], values[known], minlength=len(counts))
        means = np.where(counts > 0, sums / np.maximum(counts, 1), values[known].mean())
        return np.asarray(means[self.customer])


@dataclass(frozen=True)
class Cut:
    """What one date comes to: of its open invoices and of the weeks after it."""

    day: date
    rung: str
    late: Floats
    is_due: NDArray[np.bool_]
    probability: Floats
    own_rate: Floats
    cash: Floats
    forecasts: dict[str, Floats]
    inside: NDArray[np.bool_]

    def wape(self, name: str) -> float:
        """Error of the weeks over their cash."""
        return float(np.abs(self.forecasts[name] - self.cash).sum() / self.cash.sum())


def check(server: EmbeddedServer, data: Path | None) -> Section:
    """Hold late payment and cash of twelve dates against what came and against two simple rules."""
    section = Section("Cash from open invoices of 2013")
    if data is None:
        section.tables.append(("REVLAYER_TEST_DATA was unset, so nothing was read here.", ("", ""), []))
        return section
    _hold(section, cuts(server, data / "ar_invoices_ibm"))
    return section


def cuts(server: Server, folder: Path) -> list[Cut]:
    """Import, build the features once, and at each date train on what was known, score and forecast."""
    invoices = Invoices.read(folder / FILE)
    with database(server) as settings, TemporaryDirectory() as target:
        with connect(settings, "loader") as conn:
            import_mapping(conn, MAPPING, folder)
            conn.commit()
        arguments = ["run", "--select", "+ftr_invoices", "+lbl_invoices"]
        given = {"as_of_date": LAST_DAY.isoformat(), "calendar_start_on": "2012-01-01"}
        dbt.run(settings, arguments, given, target_path=Path(target))
        found = []
        with connect(settings, "scorer") as conn, connect(settings, "scorer") as reading:
            for day in CUTS:
                train(conn, TARGET, day)
                conn.commit()
                score_targets(conn, day, [TARGET], read_conn=reading)
                forecast_cash(conn, day)
                found.append(
                    _cut(invoices, day, *(conn.execute(text, [day]).fetchall() for text in (PREDICTIONS, WEEKS)))
                )
                conn.commit()
    return found


def _cut(invoices: Invoices, day: date, predictions: list, weeks: list) -> Cut:
    cut = np.datetime64(day, "D")
    is_open = (invoices.issued <= cut) & (invoices.settled > cut)
    scored = {name: probability for name, probability, _ in predictions}
    assert set(scored) == set(invoices.ids[is_open].tolist())
    ends = np.array([end for end, *_ in weeks if end is not None], "M8[D]")
    mean, low, high = (np.array([row[place] for row in weeks]) for place in (1, 2, 3))
    days = invoices.own_mean((invoices.settled - invoices.issued).astype(np.float64), cut)
    expected = {TERMS: invoices.due, AVERAGE: invoices.issued + np.round(days).astype("m8[D]")}

    def by_week(paid: NDArray[np.datetime64]) -> Floats:
        # What should have come in before comes in next.
        week = np.searchsorted(ends, np.maximum(paid, cut + 1)[is_open])
        return np.bincount(week, invoices.amount[is_open], minlength=len(weeks)).astype(np.float64)

    cash = by_week(invoices.settled)
    return Cut(
        day, predictions[0][2], invoices.late[is_open], (invoices.due < cut)[is_open],
        np.array([scored[name] for name in invoices.ids[is_open]]), invoices.own_mean(invoices.late, cut)[is_open],
        cash, {MODEL: mean, **{name: by_week(paid) for name, paid in expected.items()}},
        ((cash >= low) & (cash <= high))[(cash > 0) | (mean > 1)],
    )  # fmt: skip


def _hold(section: Section, found: list[Cut]) -> None:
    late, p, own = (
        np.concatenate([getattr(cut, name) for cut in found]) for name in ("late", "probability", "own_rate")
    )
    not_due = ~np.concatenate([cut.is_due for cut in found])
    for words, rows in (("not due yet", not_due), ("all open", np.ones(len(late), bool))):
        score, rival = (evaluation.auc(late[rows], each[rows]) or 0.0 for each in (p, own))
        section.check(f"AUC of late payment, invoices {words}", score, lambda v: v >= 0.86, "≥ 0.86")
        section.check(f"AUC above the customer's own late rate, {words}", score - rival, lambda v: v > 0, "> 0")
        brier, other = (evaluation.brier(late[rows], each[rows]) for each in (p, own))
        section.check(
            f"Brier score below the customer's own late rate's, {words}", other - brier, lambda v: v > 0, "> 0"
        )
    cash = sum(cut.cash.sum() for cut in found)
    wape = {
        name: sum(np.abs(cut.forecasts[name] - cut.cash).sum() for cut in found) / cash for name in found[0].forecasts
    }
    for name in (TERMS, AVERAGE):
        section.check(f"WAPE of cash by week, that of {name} being {wape[name]:.4f}", wape[MODEL],
                      lambda v, rival=wape[name]: v < rival, f"< {wape[name]:.4f}")  # fmt: skip
    inside = np.concatenate([cut.inside for cut in found])
    section.check("share of weeks within p10 and p90", float(inside.mean()), lambda v: 0.7 <= v <= 0.95, "0.70 to 0.95")
    title = (
        "Invoices open at the end of each month, by what was known then; a dispute is no feature. Late is what was paid"
        " after its due date. Cash is what these invoices brought, by calendar week:"
    )
    section.tables.append((title, HEADER, [_row(cut) for cut in found]))


def _row(cut: Cut) -> tuple[object, ...]:
    rows = ~cut.is_due
    late = cut.late[rows]
    scores = (evaluation.auc(late, each[rows]) for each in (cut.probability, cut.own_rate))
    wapes = (cut.wape(name) for name in (MODEL, TERMS, AVERAGE))
    return (cut.day, cut.rung, len(rows), int(rows.sum()), int(late.sum()), *scores, float(cut.cash.sum()), *wapes)
