"""Value of customers of two public shops, by the tutorial's own commands: later time, and customers held out."""

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psycopg

from revlayer import dbt
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer.importing import import_mapping
from revlayer_training.customers import CustomerDataset, load_customers
from revlayer_training.export import score
from revlayer_training.value_evaluation import value_metrics
from revlayer_training.value_forecaster import Forecaster
from revlayer_udf import registry
from tests import tutorial
from tests.verify.company import database
from tests.verify.report import Section
from tests.verify.value_forecasts import (
    HEADER,
    SERVED,
    SIMPLE,
    ZERO,
    Floats,
    as_published,
    at_least,
    at_most,
    crossed,
    hold_sample,
    of_all_days,
    rows_of,
)

MAPPING = Path(__file__).parents[2] / "mappings" / "cdnow.yml"
CDNOW, RETAIL, TELCO = "CDNOW", "Online retail", "Telco churn"
CDNOW_ON, CDNOW_END, CDNOW_DAYS = date(1997, 9, 30), date(1998, 6, 30), 273
RETAIL_ON, RETAIL_END, RETAIL_DAYS = date(2011, 9, 1), date(2011, 12, 9), 90
PUBLISHED = "BG/NBD × Gamma-Gamma"
PREDICTED = """
select p.customer_id, p.value_amount
from scoring.customer_value_predictions as p
inner join scoring.published_runs as r on p.run_id = r.run_id
where r.as_of_date = %s
"""


def check(server: EmbeddedServer, data: Path | None) -> Section:
    """Do the tutorial, and judge what it published by what became of the customers."""
    section = Section("Value of customers of two public shops")
    if data is None:
        section.tables.append(("REVLAYER_TEST_DATA was unset, so nothing was read here.", ("", ""), []))
        return section
    _check_cdnow(section, server, data)
    _check_retail(section, server, data)
    with database(server) as settings:
        _follow(section, TELCO, settings, data)
    return section


def _follow(section: Section, part: str, settings: Settings, data: Path) -> None:
    assert settings.database_url is not None
    with TemporaryDirectory() as target:
        given = {
            "REVLAYER_DATABASE_URL": settings.database_url.get_secret_value(), "DATA": str(data),
            "REVLAYER_DBT_TARGET": target,
        }  # fmt: skip
        lost = [line for _, _, lines in tutorial.follow(part, given) for line in lines]
    print("\n".join(f"not printed: {line}" for line in lost), end="\n" if lost else "")
    section.check(f"{part}: lines of the tutorial that were not printed", len(lost), lambda v: v == 0, "0")


def _check_cdnow(section: Section, server: EmbeddedServer, data: Path) -> None:
    then = _fingerprint_of_then(server, data)
    with database(server) as settings:
        _follow(section, CDNOW, settings, data)
        with connect(settings, "scorer") as conn:
            manifest = registry.require_champion(conn, "customer_value").manifest
            now = _on(load_customers(conn, CDNOW_END), CDNOW_ON)
            served = _published(section, CDNOW, conn, now, CDNOW_ON)
        with connect(settings, "reader") as conn:
            hold_sample(section, conn, now, data / "cdnow" / "CDNOW_sample.txt")
    same = float(manifest.data_fingerprint == then)
    section.check("CDNOW: learnt from what the file to 1997-09-30 alone gives (1 is yes)", same, lambda v: v == 1, "1")
    _hold_later(section, now, served)
    _hold_others(section, now)


def _fingerprint_of_then(server: EmbeddedServer, data: Path) -> str:
    """Return the fingerprint of the training rows made from the lines of the file up to the as-of date."""
    given = tutorial.exports(tutorial.steps(CDNOW)[0])
    with database(server) as settings, TemporaryDirectory() as folder:
        lines = (data / "cdnow" / "CDNOW_master.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        limit = CDNOW_ON.strftime("%Y%m%d")
        kept = [lines[0], *(line for line in lines[1:] if line.split()[1] <= limit)]
        (Path(folder) / "CDNOW_master.txt").write_text("".join(kept), encoding="utf-8")
        with connect(settings, "loader") as conn:
            import_mapping(conn, MAPPING, Path(folder))
            conn.commit()
        own = settings.model_copy(update={"dbt_variables": json.loads(given["REVLAYER_DBT_VARIABLES"])})
        arguments = ["run", "--select", "+ftr_customers", "+lbl_customers"]
        dbt.run(own, arguments, {"as_of_date": CDNOW_ON.isoformat()}, target_path=Path(folder) / "target")
        with connect(settings, "scorer") as conn:
            return load_customers(conn, CDNOW_ON).fingerprint


def _on(data: CustomerDataset, day: date) -> CustomerDataset:
    return data.take(data.as_of == np.datetime64(day))


def _published(section: Section, part: str, conn: psycopg.Connection, now: CustomerDataset, day: date) -> Floats:
    """Return the published values; features made since then must give them again."""
    found: dict[str, float] = dict(conn.execute(PREDICTED, [day]).fetchall())
    unscored = sum(name not in found for name in now.entity_ids)
    section.check(f"{part}: customers without a value", unscored, lambda v: v == 0, "0")
    values = np.array([found.get(name, 0.0) for name in now.entity_ids])
    model = registry.require_champion(conn, "customer_value")
    again = score(model.artefact, model.manifest.numbers, model.manifest.texts, ["value"], now)["value"][:, 0]
    apart = float(np.abs(again - values).max())
    section.check(f"{part}: largest change of a value once later orders are known", apart, lambda v: v == 0, "0")
    return values


def _hold_later(section: Section, now: CustomerDataset, served: Floats) -> None:
    came = now.forward_revenue
    shown = {
        SERVED: served, PUBLISHED: as_published(now, CDNOW_DAYS),
        f"{PUBLISHED}, first purchases too": of_all_days(now, CDNOW_DAYS),
    } | {name: rows_of(now, CDNOW_DAYS)[name] for name in (SIMPLE, ZERO)}  # fmt: skip
    figures = {name: value_metrics(came, values) for name, values in shown.items()}
    own, other = figures[SERVED], figures[PUBLISHED]
    names = {"rmse": "RMSE", "rank_correlation": "rank correlation", "top_decile_lift": "lift of the top tenth"}
    for key, name in names.items():
        limit, value = other[key] or 0.0, own[key] or 0.0
        test, sign = (at_most(limit), "≤") if key == "rmse" else (at_least(limit), "≥")
        section.check(f"CDNOW, later: {name}", value, test, f"{sign} {limit:.4g}")
    section.check("CDNOW, later: total", own["bias"] or 0.0, lambda v: abs(v) <= 0.1, "within ± 0.10")
    title = (
        f"CDNOW, {len(now):,} customers: revenue of the {CDNOW_DAYS} days after {CDNOW_ON}, by what was known then."
        f" BG/NBD is fitted to the same customers, once as its authors do:"
    )
    section.tables.append((title, HEADER, [_row(name, found) for name, found in figures.items()]))


def _hold_others(section: Section, now: CustomerDataset) -> None:
    found = {name: value_metrics(now.forward_revenue, values) for name, values in crossed(now, CDNOW_DAYS).items()}
    own, simple = found[SERVED], found[SIMPLE]
    section.check("CDNOW, other customers: R²", own["r2"] or 0.0, lambda v: v >= 0.4, "≥ 0.40")
    saved = 1 - (own["mae"] or 0.0) / (simple["mae"] or 1.0)
    section.check("CDNOW, other customers: MAE below the simple formula's", saved, lambda v: v >= 0.45, "≥ 0.45")
    section.check("CDNOW, other customers: total", own["bias"] or 0.0, lambda v: abs(v) <= 0.05, "within ± 0.05")
    title = "CDNOW, the same revenue by five folds of customers, each foretold by what was learnt from the other four:"
    section.tables.append((title, HEADER, [_row(name, figures) for name, figures in found.items()]))


def _check_retail(section: Section, server: EmbeddedServer, data: Path) -> None:
    with database(server) as settings:
        _follow(section, RETAIL, settings, data)
        with connect(settings, "scorer") as conn:
            now = _on(load_customers(conn, RETAIL_END), RETAIL_ON)
            served = _published(section, RETAIL, conn, now, RETAIL_ON)
            past = load_customers(conn, RETAIL_ON)
    known = np.isfinite(past.forward_revenue)
    members = Forecaster.fit(past, past.forward_revenue, known, RETAIL_DAYS, RETAIL_DAYS, 1).predict(now)
    shown = {SERVED: served} | {name.replace("_", " "): values for name, values in members.items()}
    came = now.forward_revenue
    figures = {name: value_metrics(came, values) for name, values in shown.items()}
    better = (figures[SIMPLE]["rmse"] or 0.0) / (figures[SERVED]["rmse"] or 1.0)
    section.check(f"{RETAIL}: RMSE of the simple formula over that of the served model", better, lambda v: v > 1, "> 1")
    title = (
        f"{RETAIL}, {len(now):,} customers: revenue of the {RETAIL_DAYS} days after {RETAIL_ON}, learnt from the"
        f" {RETAIL_DAYS} days after {' and '.join(str(day) for day in np.unique(past.as_of[known]))}:"
    )
    section.tables.append((title, HEADER, [_row(name, found) for name, found in figures.items()]))
    numbers = now.numbers
    groups = {
        "one day of purchase": numbers["order_day_count"] == 1,
        "several days of purchase": numbers["order_day_count"] > 1,
        "never purchased, returns only": numbers["order_day_count"] == 0,
        "returned something": numbers["refund_amount"] > 0,
        "returned as much as they bought, or more": (numbers["refund_amount"] > 0) & (numbers["net_revenue"] <= 0),
    }
    rows = [(name, int(own.sum()), *_group(came[own], served[own])) for name, own in groups.items()]
    header = ("customers", "number", "mean came", "mean foretold", "MAE", "R²")
    section.tables.append((f"{RETAIL}: what was served, by history:", header, rows))


def _group(came: Floats, served: Floats) -> tuple[float | None, ...]:
    if not len(came):
        return (None,) * 4
    found = value_metrics(came, served)
    return float(came.mean()), float(served.mean()), found["mae"], found["r2"]


def _row(name: str, found: dict[str, float | None]) -> tuple[object, ...]:
    return name, *(found[key] for key in ("rmse", "mae", "bias", "r2", "rank_correlation", "top_decile_lift"))
