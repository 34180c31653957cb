"""Reasons: do they add up, how often do they agree with exact TreeSHAP, and what do they cost.

``python -m tests.verify.reasons`` prints the table without the simulated companies, in about a minute.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace

import numpy as np
import pyarrow as pa

from revlayer import demo
from revlayer.database import connect
from revlayer.database.embedded import EmbeddedServer
from revlayer_training.datasets import load_dataset
from revlayer_training.shap_agreement import frame, measure
from revlayer_udf import registry
from revlayer_udf.manifest import Manifest
from revlayer_udf.reasons import ReasonScorer
from revlayer_udf.runtime import Frame, Scorer
from tests.udf.reasons.boosted import boosted, ensemble_of, sample, tree_artefact
from tests.verify.company import trained_company
from tests.verify.report import Section, markdown

ROWS = 1000
BATCH = 16_384
HEADER = ("model", "first reason", "top three as a set", "top three in order", "exact first among the three",
          "distance", "largest gap / allowed", "scoring with / without")  # fmt: skip
# Title, features, trees, leaves, further parameters.
MODELS: tuple[tuple[str, int, int, int, dict[str, object]], ...] = (
    ("LightGBM 300 × 31, 30 features", 30, 300, 31, {}),
    ("LightGBM 300 × 31, 55 features", 55, 300, 31, {}),
    ("gradient boosting 100 × depth 5, 30 features", 30, 100, 32, {"max_depth": 5}),
    ("random forest 100 × depth 10, 30 features", 30, 100, 1024,
     {"max_depth": 10, "boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1, "feature_fraction": 0.5,
      "min_data_in_leaf": 3}),
)  # fmt: skip


def check(server: EmbeddedServer | None, seeds: Sequence[int], deals: int) -> Section:
    """Hold the models of simulated companies and four made ones against exact TreeSHAP.

    Args:
        server: None leaves the companies out.
    """
    section = Section("Reasons against exact TreeSHAP")
    rows = [_made(section, *model) for model in MODELS]
    for seed in seeds if server is not None else ():
        rows += _company(section, server, seed, deals)
    section.tables.append((f"Shares of {ROWS:,} rows each; scoring on one thread:", HEADER, rows))
    return section


def _made(
    section: Section, title: str, columns: int, trees: int, leaves: int, parameters: dict[str, object]
) -> tuple[object, ...]:
    x, y = sample(20_000, columns)
    ensemble = ensemble_of(boosted(x, y, trees, leaves, **parameters))
    if parameters.get("boosting") == "rf":
        ensemble = replace(ensemble, aggregate="AVERAGE")
    artefact, manifest = tree_artefact(ensemble, columns)
    batch = pa.table({f"n{i}": x[:, i] for i in range(columns)})
    return _hold(section, title, artefact, manifest, batch)


def _company(section: Section, server: EmbeddedServer | None, seed: int, deals: int) -> list[tuple[object, ...]]:
    assert server is not None
    company, rows = demo.Company(deals, seed), []
    with trained_company(server, company) as settings, connect(settings, "scorer") as conn:
        data = load_dataset(conn, company.end_on)
        for target in ("deal_win", "deal_value"):
            version, content = registry.require_champion(conn, target)
            if version.raw_output is not None:
                title = f"{target} of a company of {deals:,} deals, seed {seed} ({version.algorithm})"
                rows.append(_hold(section, title, content, version, frame(data, version)))
    return rows


def _hold(section: Section, title: str, artefact: bytes, manifest: Manifest, rows: pa.Table) -> tuple[object, ...]:
    chosen = rows.take(np.linspace(0, rows.num_rows - 1, min(rows.num_rows, ROWS)).astype(np.int64))
    agreement = measure(artefact, manifest, chosen)
    assert agreement is not None, f"{title} has no reasons"
    gap, cost = _gap(ReasonScorer(artefact, manifest), rows), _cost(artefact, manifest, rows.slice(0, BATCH))
    section.check(f"{title}: first reason agrees", agreement.reasons_top_1, lambda v: v >= 0.8, "≥ 0.80")
    section.check(f"{title}: base + sum to raw, over what is allowed", gap, lambda v: v <= 1, "≤ 1")
    section.check(f"{title}: scoring with reasons over without", cost, lambda v: v <= 2, "≤ 2")
    print(f"  {title}: first {agreement.reasons_top_1:.3f}, cost {cost:.2f}", flush=True)
    return (title, *astuple(agreement), gap, cost)


def _gap(scorer: ReasonScorer, rows: Frame) -> float:
    """Return the largest |base + sum - raw| in units of 1e-5 × max(1, sum of absolute contributions)."""
    found = scorer.score(rows)
    contributions = found.contributions.astype(np.float64)
    distance = np.abs(found.base_score.astype(np.float64) + contributions.sum(axis=1) - found.raw_score)
    return float((distance / (1e-5 * np.maximum(1.0, np.abs(contributions).sum(axis=1)))).max())


def _cost(artefact: bytes, manifest: Manifest, rows: Frame) -> float:
    plain, explained = Scorer(artefact, manifest), ReasonScorer(artefact, manifest)
    return _seconds(lambda: explained.score(rows).top()) / _seconds(lambda: plain.score(rows))


def _seconds(run: Callable[[], object], times: int = 7) -> float:
    best = float("inf")
    for _ in range(times):
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return best


if __name__ == "__main__":
    for _, header, cells in check(None, (), 0).tables:
        print(markdown(header, cells))
