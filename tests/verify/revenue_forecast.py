"""Simulated companies with 36 months of history: the monthly forecast, models fitted again every quarter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer import dbt, demo
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer_training.backtest import BacktestSummary, coverage_report, run_backtest
from revlayer_udf.forecast import OpenDeals
from revlayer_udf.forecast.months import month_end, month_number
from revlayer_udf.forecast.reading import CrmView
from tests.verify.company import database, silent
from tests.verify.forecast_factors import Factors, table
from tests.verify.report import Section

HISTORY_MONTHS, ORIGINS, REFIT_MONTHS = 36, 12, 3
HORIZONS = (1, 2, 3, 6)
TOGETHER = (1, 2, 3)
RIVALS = ("stage_weighted", "crm_probability", "naive", "seasonal_naive")
WIDE = ("p025_amount", "p975_amount")
ALL_MODELS = ["run", "--select", "+ftr_deals", "+lbl_deals", "+lbl_deal_closings", "+lbl_deal_removals"]


@dataclass(frozen=True)
class Companies:
    """Backtests of companies of one size, by seed."""

    deals: int
    backtests: dict[str, BacktestSummary]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """Rows of every forecast and what came."""
        return {seed: backtest.table for seed, backtest in self.backtests.items()}


def check(
    server: EmbeddedServer, seeds: Sequence[int], deals: int, usual_seeds: Sequence[int], usual_deals: int
) -> Section:
    """Replay twelve month ends of each seed's company, none of which a model had seen anything of, and pool them.

    Args:
        seeds, deals: small companies, many enough to tell how often intervals hold.
        usual_seeds, usual_deals: companies of the size the simulator makes by default, whose errors are compared.
    """
    small, factors = _companies(server, seeds, deals)
    usual, _ = _companies(server, usual_seeds, usual_deals)
    made = section(small, usual)
    made.tables.append(table(factors))
    return made


def _companies(server: EmbeddedServer, seeds: Sequence[int], deals: int) -> tuple[Companies, dict[str, Factors]]:
    made, factors = Companies(deals, {}), dict[str, Factors]()
    for seed in map(str, seeds):
        months = HISTORY_MONTHS + ORIGINS
        company = demo.Company(deals, int(seed), months, shoppers=0, installs=0)
        with database(server) as settings:
            demo.simulate_company(settings, company, silent)
            dbt.run(settings, ALL_MODELS, {"as_of_date": company.end_on.isoformat(), "history_months": months})
            made.backtests[seed], factors[seed] = replayed(settings, company)
        print(f"  {deals:,} deals, seed {seed}: {made.backtests[seed].value(1, 'model')}", flush=True)
    return made, factors


def replayed(settings: Settings, company: demo.Company) -> tuple[BacktestSummary, Factors]:
    """Backtest one company at the month ends after its 36 months of history, beside the simulator's truth."""
    last = month_number(company.end_on)
    origins = [month_end(last - back) for back in range(ORIGINS, 0, -1)]
    factors = Factors()
    others = {"truth": truth(settings), "watched": factors.watch(settings)}
    with connect(settings, "scorer") as conn:
        found = run_backtest(
            conn, origins, through=company.end_on, refit_months=REFIT_MONTHS, others=others, publish=False
        )
    return found, factors


def truth(settings: Settings) -> Callable[[date, OpenDeals, CrmView], np.ndarray]:
    """Return the simulator's own probability of winning each deal; the model's where it states none."""

    def probabilities(as_of: date, deals: OpenDeals, view: CrmView) -> np.ndarray:
        with connect(settings) as conn:
            statement = "select deal_id, probability from truth.deal_win_probability where as_of_date = %s"
            known = dict(conn.execute(statement, [as_of]).fetchall())
        pairs = zip(view.deal_id.tolist(), deals.win_probability, strict=True)
        return np.array([known.get(deal, said) for deal, said in pairs], dtype=np.float64)

    return probabilities


def section(small: Companies, usual: Companies) -> Section:
    """Make the lines and tables of the document."""
    made = Section(
        f"Monthly forecast on simulated companies: {HISTORY_MONTHS} months of history, then {ORIGINS} month ends with"
        f" models fitted again every {REFIT_MONTHS} months"
    )
    _coverage(made, small.tables)
    _errors(made, usual, small)
    _ratios(made, usual, small)
    _histogram(made, small.tables)
    _timing(made, pa.concat_tables([backtest.timing for backtest in small.backtests.values()]))
    rows = []
    for companies in (usual, small):
        for seed, backtest in companies.backtests.items():
            model, crm = backtest.value(1, "model"), backtest.value(1, "stage_weighted")
            if model is not None and crm is not None:
                rows.append(
                    (f"{companies.deals:,}", seed, model.months, model.coverage, model.wape, crm.wape, model.bias)
                )
    header = ("deals", "seed", "months", "coverage", "WAPE model", "WAPE stage-weighted", "bias model")
    made.tables.append(("Horizon 1 by company:", header, rows))
    return made


def _coverage(made: Section, tables: dict[str, pa.Table]) -> None:
    first, quarters = coverage_report(tables), coverage_report(tables, period="quarter", interval=WIDE)
    made.check("80 % intervals hold", first.coverage, lambda v: 0.72 <= v <= 0.88, "0.72 to 0.88")
    made.check("months pooled at horizon 1", first.months, lambda v: v >= 120, "≥ 120")
    made.check("companies", first.companies, lambda v: v >= 10, "≥ 10")
    made.check("95 % intervals of the next quarter hold", quarters.coverage, lambda v: v >= 0.9, "≥ 0.90")
    made.check("quarters pooled", quarters.months, lambda v: v >= 40, "≥ 40")
    rows: list[tuple[object, ...]] = []
    for period, horizons in (("month", HORIZONS), ("quarter", (1, 4))):
        for ahead in horizons:
            eighty = coverage_report(tables, months_ahead=ahead, period=period)
            wide = coverage_report(tables, months_ahead=ahead, period=period, interval=WIDE)
            rows.append((period, ahead, eighty.months, eighty.coverage, f"{eighty.low:.3f} to {eighty.high:.3f}",
                         wide.coverage, f"{wide.low:.3f} to {wide.high:.3f}"))  # fmt: skip
    header = ("period", "months ahead", "periods", "coverage of 80 %", "95 % interval, companies drawn",
              "coverage of 95 %", "95 % interval, companies drawn")  # fmt: skip
    made.tables.append(("All companies pooled; periods overlap but in months at 1 and quarters at 1:", header, rows))


def _errors(made: Section, usual: Companies, small: Companies) -> None:
    """WAPE beside the rivals', and the share of the gap to the simulator's truth that the model closes."""
    rows: list[tuple[object, ...]] = []
    for companies, ahead in product((usual, small), HORIZONS):
        wape = coverage_report(companies.tables, months_ahead=ahead).wape
        best = min(wape["naive"], wape["crm_probability"])
        if companies is usual and ahead <= 3:
            at = f"{ahead} months ahead: WAPE over "
            made.check(
                at + "the stage-weighted one", wape["model"] / wape["stage_weighted"], lambda v: v <= 0.8, "≤ 0.80"
            )
            made.check(at + "the better of naive and CRM probability", wape["model"] / best, lambda v: v < 1, "< 1")
        shares = [(wape[rival] - wape["model"]) / (wape[rival] - wape["truth"]) for rival in RIVALS[:2]]
        rows.append((f"{companies.deals:,}", ahead, *(wape[name] for name in ("model", "truth", *RIVALS)), *shares))
    header = ("deals", "months ahead", "model", "truth", "stage-weighted", "CRM probability", "naive", "seasonal naive",
              "gap closed from stage-weighted", "from CRM probability")  # fmt: skip
    words = (
        f"WAPE, companies pooled: {len(usual.backtests)} of the size the simulator makes by default, to which the lines"
        f" above refer, and {len(small.backtests)} small ones. *Truth* is the same forecast with the simulator's own"
        " probability of winning, so that 1 is all that a better win model could reach; *CRM probability* is it with"
        " the stage's probability, the amount and the months in which deals of the stage were won:"
    )
    made.tables.append((words, header, rows))


def _ratios(made: Section, usual: Companies, small: Companies) -> None:
    """Errors over the stage-weighted one's, also of the first three months together, and what companies drawn give."""
    rows: list[tuple[object, ...]] = []
    for companies, horizons in product((usual, small), ((1,), (2,), (3,), (6,), TOGETHER)):
        errors = {name: _absolute_errors(companies.tables, name, horizons) for name in ("model", "truth", *RIVALS)}
        cells: list[object] = []
        for name in ("model", "truth"):
            ratio, low, high = _ratio(errors[name], errors["stage_weighted"])
            cells += [ratio, f"{low:.3f} to {high:.3f}"]
        ahead = f"{horizons[0]} to {horizons[-1]}" if len(horizons) > 1 else str(horizons[0])
        rows.append((f"{companies.deals:,}", ahead, *cells))
        if horizons == TOGETHER and companies is usual:
            _check_together(made, errors)
    header = ("deals", "months ahead", "model", "95 % interval, companies drawn", "truth",
              "95 % interval, companies drawn")  # fmt: skip
    words = (
        "Ratio of WAPE to the stage-weighted one; of several months together it is that of their absolute errors added"
        " up, in which the stage-weighted one's first month, when all that is overdue falls due, weighs most. In a"
        " small company a month is a handful of wins: even the truth misses it by about as much as a rule of thumb:"
    )
    made.tables.append((words, header, rows))


def _check_together(made: Section, errors: dict[str, np.ndarray]) -> None:
    at = "1 to 3 months ahead together: WAPE over "
    best = min((errors[name] for name in ("naive", "crm_probability")), key=np.sum)
    crm, other = (_ratio(errors["model"], rival)[0] for rival in (errors["stage_weighted"], best))
    made.check(at + "the stage-weighted one", crm, lambda v: v <= 0.8, "≤ 0.80")
    made.check(at + "the better of naive and CRM probability", other, lambda v: v < 1, "< 1")


def _absolute_errors(tables: dict[str, pa.Table], predictor: str, horizons: Sequence[int]) -> np.ndarray:
    """Sum of absolute errors of each company, [companies]; of the same months their ratio is that of WAPE."""
    found = []
    for held in tables.values():
        kept = pc.is_in(held["months_ahead"], pa.array(horizons, held["months_ahead"].type))
        for name, value in {"segment_id": "(all)", "period_type": "month", "predictor": predictor}.items():
            kept = pc.and_(kept, pc.equal(held[name], value))
        rows = held.filter(kept)
        found.append(pc.sum(pc.abs(pc.subtract(rows["forecast_amount"], rows["actual_amount"]))).as_py())
    return np.array(found)


def _ratio(errors: np.ndarray, others: np.ndarray) -> tuple[float, float, float]:
    """Ratio of the sums, and its 95 % interval when companies are drawn with replacement."""
    drawn = np.random.default_rng(0).integers(0, len(errors), (2000, len(errors)))
    low, high = np.quantile(errors[drawn].sum(axis=1) / others[drawn].sum(axis=1), (0.025, 0.975))
    return float(errors.sum() / others.sum()), float(low), float(high)


def _histogram(made: Section, tables: dict[str, pa.Table]) -> None:
    """Probability integral transform: where in its distribution what came lay, in tenths."""
    rows = []
    for period in ("month", "quarter"):
        found = np.concatenate([_ranks(table, period) for table in tables.values()])
        counts = np.histogram(found, np.linspace(0, 1, 11))[0]
        rows.append((f"{period}, {len(found)}", *(f"{share:.3f}" for share in counts / len(found))))
    header = ("next", *(f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}" for tenth in range(10)))
    made.tables.append(("Share of what came by tenths of its forecast distribution; right is 0.1 each:", header, rows))


def _ranks(table: pa.Table, period: str) -> np.ndarray:
    kept = pc.equal(table["period_type"], period)
    for name, value in {"segment_id": "(all)", "predictor": "model", "months_ahead": 1}.items():
        kept = pc.and_(kept, pc.equal(table[name], value))
    return np.asarray(table.filter(kept)["actual_probability"].to_numpy(), dtype=np.float64)


def _timing(made: Section, table: pa.Table) -> None:
    """Calibration of winning, losing, staying open and slipping by months ahead, beside the life table alone."""
    keys = ["outcome", "months_ahead", "predictor", "probability_bin"]
    sums = ["deal_count", "predicted_sum", "happened_count", "squared_error_sum"]
    bins = table.group_by(keys).aggregate([(name, "sum") for name in sums]).to_pylist()
    rows: list[tuple[object, ...]] = []
    for outcome in ("won", "lost", "open", "slipped"):
        for ahead in HORIZONS:
            model, alone = (
                _calibration([row for row in bins if (row["outcome"], row["months_ahead"], row["predictor"]) ==
                              (outcome, ahead, predictor)])
                for predictor in ("model", "life_table")
            )  # fmt: skip
            if outcome != "slipped" or ahead == 1:
                made.check(
                    f"{outcome}, {ahead} months ahead: calibration error", model[3], lambda v: v <= 0.03, "≤ 0.03"
                )
                rows.append((outcome, ahead, *model, alone[3], alone[4]))
    header = ("outcome", "months ahead", "deals", "predicted", "happened", "calibration error", "Brier score",
              "calibration error of the life table alone", "its Brier score")  # fmt: skip
    words = (
        "Close timing, all companies pooled: shares of open deals won or lost in a month, open at its end, or slipped"
        " past the month they were expected to close in; calibration error over ten bins of probability:"
    )
    made.tables.append((words, header, rows))


def _calibration(bins: list[dict[str, float]]) -> tuple[int, float, float, float, float]:
    deals = sum(row["deal_count_sum"] for row in bins)
    said, came = (sum(row[name] for row in bins) / deals for name in ("predicted_sum_sum", "happened_count_sum"))
    error = sum(abs(row["predicted_sum_sum"] - row["happened_count_sum"]) for row in bins) / deals
    return int(deals), said, came, error, sum(row["squared_error_sum_sum"] for row in bins) / deals
