"""What deals share: how much more the company, its segments and its owners miss than independent deals would."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from revlayer.config import Settings
from revlayer.database import connect
from revlayer_udf.forecast import OpenDeals
from revlayer_udf.forecast.months import days_to_month_ends
from revlayer_udf.forecast.pipeline import month_probabilities
from revlayer_udf.forecast.reading import CrmView

MONTHS, RESAMPLES = 3, 2000
OUTCOMES = """
select f.deal_id, coalesce(f.owner_id, ''),
    coalesce(l.won_amount_reporting::double precision
        * (l.is_won and l.closed_on > f.as_of_date and l.closed_on <= f.as_of_date + %(days)s::integer)::integer, 0)
from features.ftr_deals as f
left join features.lbl_deals as l on l.deal_id = f.deal_id and l.closed_on is not null
where f.as_of_date = %(as_of)s
"""


@dataclass
class Factors:
    """Missed amounts of groups of one company's open deals, over the quarters after its quarter ends.

    Attributes:
        missed, variance, mean: by kind of group, one number per group and quarter.
    """

    missed: dict[str, list[float]] = field(default_factory=dict)
    variance: dict[str, list[float]] = field(default_factory=dict)
    mean: dict[str, list[float]] = field(default_factory=dict)

    def watch(self, settings: Settings) -> Callable[[date, OpenDeals, CrmView], np.ndarray]:
        """Return a predictor of a backtest that says what the model says, and notes how its deals turned out."""

        def note(as_of: date, deals: OpenDeals, view: CrmView) -> np.ndarray:
            if as_of.month % 3 == 0:  # quarters, so that none is counted twice
                self._note(settings, as_of, deals, view)
            return deals.win_probability

        return note

    def _note(self, settings: Settings, as_of: date, deals: OpenDeals, view: CrmView) -> None:
        days = days_to_month_ends(as_of, MONTHS)
        with connect(settings) as conn:
            found = conn.execute(OUTCOMES, {"as_of": as_of, "days": int(days[-1])}).fetchall()
        owner, came = ({row[0]: row[place] for row in found} for place in (1, 2))
        chance = deals.win_probability * month_probabilities(deals.close_cdf, days).sum(axis=1)
        mean = chance * deals.value_mean
        variance = chance * deals.value_mean**2 * np.exp(deals.value_sigma**2) - mean**2
        missed = np.array([came[deal] for deal in view.deal_id]) - mean
        groups = {
            "company": np.zeros(len(deals), dtype=np.int64),
            "segment": np.unique(view.segment, return_inverse=True)[1],
            "owner": np.unique([owner[deal] for deal in view.deal_id], return_inverse=True)[1],
        }
        for kind, codes in groups.items():
            for sums, values in ((self.missed, missed), (self.variance, variance), (self.mean, mean)):
                sums.setdefault(kind, []).extend(np.bincount(codes, values).tolist())


def table(found: Mapping[str, Factors]) -> tuple[str, Sequence[str], Sequence[Sequence[object]]]:
    """Return the relative variance that groups have beyond that of independent deals, companies pooled."""
    rows: list[tuple[object, ...]] = []
    for kind in ("company", "segment", "owner"):
        sums = np.array(
            [
                (
                    (np.square(factors.missed[kind]) - factors.variance[kind]).sum(),
                    np.square(factors.mean[kind]).sum(),
                    len(factors.mean[kind]),
                )
                for factors in found.values()
            ]
        )
        drawn = np.random.default_rng(0).integers(0, len(sums), (RESAMPLES, len(sums)))
        shares = sums[drawn, 0].sum(axis=1) / sums[drawn, 1].sum(axis=1)
        low, high = np.quantile(shares, (0.025, 0.975))
        rows.append((kind, int(sums[:, 2].sum()), sums[:, 0].sum() / sums[:, 1].sum(), f"{low:.3f} to {high:.3f}"))
    words = (
        "What deals share. Of groups of open deals over the next quarter: (squared error − variance of independent"
        " deals) over squared mean. A factor common to all shows in every line alike; one of segments, or of"
        " owners, in that line beyond the one above:"
    )
    return words, ("groups", "groups and quarters", "relative variance beyond", "95 % interval, companies drawn"), rows
