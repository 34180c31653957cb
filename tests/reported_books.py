"""Which build reports which month, and what should be reported then: put together in Python from the builds."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import accumulate

NOTHING = Decimal(0)


class Known:
    """What the tables as known say after a build, amounts by key and month; of no build, nothing."""

    def __init__(self, conn=None) -> None:
        self.mrr, self.reporting, self.to_date = defaultdict(Decimal), defaultdict(Decimal), defaultdict(Decimal)
        self.moved, self.moved_reporting, self.revenue = {}, {}, {}
        if conn is not None:
            self._read(conn)

    def _read(self, conn) -> None:
        for customer, currency, month, amount, reporting in conn.execute(
            "select customer_id, currency_code, month_start_on, mrr_amount, mrr_reporting_amount"
            " from marts.fct_mrr_monthly"
        ):
            self.mrr[(customer, currency), month] += amount
            self.reporting[(customer,), month] += reporting or 0
        self.moved = {row[:5]: row[5] for row in conn.execute("select * from marts.fct_mrr_movements")}
        self.moved_reporting = {
            row[:4]: row[4] for row in conn.execute("select * from marts.fct_mrr_movements_reporting")
        }
        self.revenue = {
            ((customer, currency), month): tuple(amounts)
            for customer, currency, month, *amounts in conn.execute(
                "select customer_id, currency_code, month_start_on, billed_amount + corrected_amount + voided_amount,"
                " recognised_amount, closing_deferred_amount, closing_unbilled_amount"
                " from marts.deferred_revenue_monthly"
            )
        }
        for key in {key for key, _ in self.revenue}:
            months = sorted(month for other, month in self.revenue if other == key)
            sums = accumulate(self.revenue[key, month][1] for month in months)
            self.to_date.update({(key, month): amount for month, amount in zip(months, sums, strict=True)})


@dataclass
class Books:
    """Which build each month is reported by: months before the first that was frozen, by none."""

    current: Known
    months: list[date]
    closed: dict[date, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        before = [month for month in self.months if self.closed and month < min(self.closed)]
        self.closed = {**{month: Known() for month in before}, **self.closed}

    def of(self, month: date) -> Known:
        return self.closed.get(month, self.current)

    def reported(self, name: str) -> dict:
        """Amounts of months, each as in the build that it is reported by."""
        return {
            (key, month): amount
            for month in self.months
            for (key, other), amount in getattr(self.of(month), name).items()
            if other == month and amount
        }

    def adjustments(self, name: str) -> dict:
        """What the build of a month says of the end of the month before, less what was reported of it."""
        found = {}
        for before, month in zip(self.months, self.months[1:], strict=False):
            now, then = getattr(self.of(month), name), getattr(self.of(before), name)
            for key, other in {*now, *then}:
                if other == before and (amount := now.get((key, before), NOTHING) - then.get((key, before), NOTHING)):
                    found[key, month] = amount
        return found

    def movements(self, name: str, balances: str) -> dict:
        place = 2 if name == "moved" else 1  # of the month in the key
        found = {
            key: amount for month in self.months for key, amount in getattr(self.of(month), name).items()
            if key[place] == month
        }  # fmt: skip
        for (key, month), amount in self.adjustments(balances).items():
            found[(*key, month, "adjustment", "correction")] = amount
        return found
