"""A simulated app: what later installs pay, by the model that served on the day before, its rivals, and the truth."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from revlayer import dbt
from revlayer.config import Settings
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer.simulator import simulate
from revlayer_training.export import score
from revlayer_training.install_evaluation import deciles, revenue_metrics
from revlayer_training.install_law import OUTPUTS
from revlayer_training.install_revenue import SEGMENT_MEAN, TARGET, LabelledInstalls, Trial
from revlayer_training.installs import InstallDataset, load_installs
from revlayer_training.preprocessing import Texts
from revlayer_training.training import train
from revlayer_udf import registry
from revlayer_udf.frames import read_table
from tests.verify.company import database
from tests.verify.report import Section

END, MONTHS, SEED = date(2025, 12, 31), 36, 3
SERVED, TRUTH = "served", "truth"
HEADER = ("predictor", "normalised Gini", "decile error", "RMSE", "MAE", "bias of the total", "Tweedie deviance", "AUC",
          "gap closed")  # fmt: skip
TENTHS = ("tenth", "installs", "predicted", "paid")
NEW = ("country_code", "device_family")
FOLDED = {"platform": str.upper, "country_code": str.lower, "device_family": str.title}
Floats = NDArray[np.float64]
Outputs = dict[str, Floats]


def check(server: EmbeddedServer, installs: int) -> Section:
    """Train on the first seven of ten installs, foretell the others."""
    section = Section(f"Revenue of {installs:,} simulated installs")
    with database(server) as settings, TemporaryDirectory() as target:
        with connect(settings) as conn:
            simulate(conn, deals=60, seed=SEED, months=MONTHS, end_on=END, shoppers=100, installs=installs)
            conn.commit()
        arguments = ["run", "--select", "+ftr_installs", "+lbl_installs"]
        dbt.run(settings, arguments, {"as_of_date": END.isoformat()}, target_path=Path(target))
        with connect(settings) as conn:
            data = load_installs(conn, END)
            stated = read_table(conn, sql.SQL("select install_id, expected_purchase_amount from truth.install_revenue"))
        of_install = dict(zip(stated["install_id"].to_pylist(), stated[1].to_pylist(), strict=True))
        truth = np.array([of_install[name] for name in data.entity_ids])
        labelled = LabelledInstalls.of(data, END)
        first = data.as_of[labelled.test].min()
        test = data.take(labelled.test)
        served = _served(settings, (first - np.timedelta64(1, "D")).astype(object), test, section)
        trial = Trial.run(data, labelled, SEED)
    _hold(section, data, labelled, test, {SERVED: served, **trial.predictions}, truth[labelled.test])
    return section


def _served(settings: Settings, cutoff: date, test: InstallDataset, section: Section) -> Outputs:
    """Train as of the day before the first test install; return what the model in service says, in any spelling."""
    with connect(settings, "scorer") as conn:
        result = train(conn, TARGET, cutoff)
        model = registry.require_champion(conn, TARGET)
    manifest = model.manifest

    def scored(rows: InstallDataset) -> Outputs:
        found = score(model.artefact, manifest.numbers, manifest.texts, OUTPUTS, rows)
        return {name: values[:, 0].astype(np.float64) for name, values in found.items()}

    section.check("rung that serves is a model (1 is yes)", float(result.rung == "model"), lambda v: v == 1, "1")
    usual = scored(test)
    texts = {
        name: Texts([f" {folded(text)} " if text else text for text in test.texts[name].names], test.texts[name].codes)
        for name, folded in FOLDED.items()
    }
    other = scored(replace(test, texts=test.texts | texts))
    apart = max(float(np.abs(usual[name] - other[name]).max()) for name in OUTPUTS)
    section.check("largest difference by another spelling of texts", apart, lambda v: v == 0, "0")
    return usual


def _hold(
    section: Section, data: InstallDataset, labelled: LabelledInstalls, test: InstallDataset,
    shown: dict[str, Outputs], truth: Floats,
) -> None:  # fmt: skip
    figures, rows = {}, []
    segments = shown[SEGMENT_MEAN]["revenue"]
    for name, outputs in {**shown, TRUTH: {"revenue": truth}}.items():
        found, mean = revenue_metrics(test.revenue, outputs), outputs["revenue"]
        gap = 1 - float(np.mean((mean - truth) ** 2) / np.mean((segments - truth) ** 2))
        figures[name] = {key: value or 0.0 for key, value in found.items()} | {"gap": gap}
        keys = ("gini", "decile_error", "rmse", "mae", "bias", "tweedie_deviance", "auc", "gap")
        rows.append((name.replace("_", " "), *(figures[name][key] for key in keys)))
    own, rivals = figures[SERVED], [name for name in figures if name not in (SERVED, TRUTH)]
    section.check("bias of the total on later installs", own["bias"], lambda v: abs(v) <= 0.05, "within ± 0.05")
    section.check("share of the gap between segment mean and truth closed", own["gap"], lambda v: v >= 0.4, "≥ 0.40")
    best = max(figures[name]["gini"] for name in rivals)
    section.check("normalised Gini below the best alternative's", best - own["gini"], lambda v: v <= 0.005, "≤ 0.005")
    section.check("decile error", own["decile_error"], lambda v: v <= 0.1, "≤ 0.10")
    new = np.zeros(len(test), bool)
    for name in NEW:
        known = set(data.texts[name].take(labelled.train).values())
        new |= ~np.isin(test.texts[name].values(), list(known))
    section.check("later installs of a country or device not seen before", int(new.sum()), lambda v: v > 0, "> 0")
    ratio = float(shown[SERVED]["revenue"][new].sum() / truth[new].sum())
    section.check("of these, predicted total over that of the truth", ratio, lambda v: 0.6 <= v <= 1.6, "0.6 to 1.6")
    section.tables.append(
        (f"{len(test):,} installs from {test.as_of.min()} on, {int(labelled.train.sum()):,} before them; the gap is "
         "the squared distance to the expected purchases that the simulator knows, interest included:", HEADER, rows)
    )  # fmt: skip
    tenths = [(number, *row) for number, row in enumerate(deciles(test.revenue, shown[SERVED]["revenue"]), 1)]
    section.tables.append(("Tenths of the served model's prediction, means in US dollars:", TENTHS, tenths))
