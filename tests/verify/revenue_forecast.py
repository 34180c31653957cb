"""Simulated small companies: interval coverage and error of the monthly forecast at horizon 1."""

from collections.abc import Sequence

from revlayer import demo
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer_training.backtest import BacktestSummary, coverage_report, run_backtest
from tests.verify.company import trained_company
from tests.verify.report import Section

HORIZONS = (1, 2, 3, 6)


def check(server: EmbeddedServer, seeds: Sequence[int], deals: int, months: int) -> Section:
    """Backtest each seed's company after its models' training and pool the months."""
    backtests: dict[str, BacktestSummary] = {}
    for seed in seeds:
        company = demo.Company(deals, seed, months)
        with trained_company(server, company) as settings, connect(settings, "scorer") as conn:
            backtests[str(seed)] = run_backtest(conn, through=company.end_on, publish=False)
        found = backtests[str(seed)].value(1, "model")
        print(f"  seed {seed}: {found}", flush=True)
    return _section(backtests, deals, months)


def _section(backtests: dict[str, BacktestSummary], deals: int, months: int) -> Section:
    section = Section(f"Monthly forecast on simulated companies of {deals:,} deals over {months} months")
    tables = {seed: backtest.table for seed, backtest in backtests.items()}
    first = coverage_report(tables)
    section.check("80 % intervals hold", first.coverage, lambda v: 0.72 <= v <= 0.88, "0.72 to 0.88")
    section.check("months pooled at horizon 1", first.months, lambda v: v >= 120, "≥ 120")
    section.check("companies", first.companies, lambda v: v >= 10, "≥ 10")
    better = first.wape["model"] - first.wape["stage_weighted"]
    section.check("WAPE above the stage-weighted forecast's", better, lambda v: v < 0, "< 0")
    rows = []
    for ahead in HORIZONS:
        report = coverage_report(tables, months_ahead=ahead)
        wape = [report.wape[name] for name in ("model", "stage_weighted", "naive", "seasonal_naive")]
        rows.append((ahead, report.months, report.coverage, f"{report.low:.3f} to {report.high:.3f}", *wape))
    header = ("months ahead", "months", "coverage of 80 %", "95 % interval, companies drawn", "WAPE model",
              "stage-weighted", "naive", "seasonal naive")  # fmt: skip
    section.tables.append(("All companies pooled; beyond horizon 1 the months of one company overlap:", header, rows))
    per_seed = []
    for seed, backtest in backtests.items():
        model, crm = backtest.value(1, "model"), backtest.value(1, "stage_weighted")
        if model is not None and crm is not None:
            per_seed.append((seed, model.months, model.coverage, model.wape, crm.wape, model.bias))
    header = ("seed", "months", "coverage", "WAPE model", "WAPE stage-weighted", "bias model")
    section.tables.append(("Horizon 1 by company:", header, per_seed))
    return section
