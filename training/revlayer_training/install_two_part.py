"""The two-part model of install revenue: who pays, times what payers spend; fitted, served and exported.

What payers spend is learnt on logarithms. Large payers bring most of the revenue, so a payer weighs by the square root
of what such an install is expected to spend; that weight reads features only, so it moves no mean.
"""

from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from revlayer_training.export import RAW_SCORE, Artefact
from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.install_columns import FOLDS, Floats, InstallColumns, Rows
from revlayer_training.install_heads import Head, LinearHead, MeanHead, TreeHead, thinned
from revlayer_training.install_law import OUTPUTS, RevenueLaw
from revlayer_training.trees import from_lightgbm, margins, tree_nodes
from revlayer_udf.certificate import SCALE

TREES, LINEAR, BOTH = KINDS = ("two_part_lightgbm", "two_part_linear", "two_part_mean")
_LEAST_WEIGHT, _MOST_WEIGHT = 0.5, 3.0
_PENALTY_PAYER, _PENALTY_SPEND = 20.0, 30.0
_MOST_DRIVER_ROWS = 100_000
_SPEND: dict[str, Any] = {"objective": "regression", "num_leaves": 7}


@dataclass(frozen=True)
class TwoPart:
    """One kind of heads with the law of the amounts.

    Attributes:
        scale: standard deviation of the revenue it learnt from; small differences are measured by it.
    """

    kind: str
    columns: InstallColumns
    payer: Head
    spend: Head
    law: RevenueLaw
    scale: float
    drivers: lgb.Booster | None = None
    fidelity: float | None = None

    def with_drivers(self, rows: Rows, seed: int) -> "TwoPart":
        """Fit the drivers: trees over single features that reproduce the logarithm of the mean.

        A ratio belongs to two features, so a reason could name neither; these trees do without.
        """
        some = np.sort(np.random.default_rng(seed).permutation(len(rows.plain))[:_MOST_DRIVER_ROWS])
        sample = rows.take(some)
        columns, target = sample.without_ratios(self.columns), self._log_mean(sample)
        settings = {
            "objective": "l2", "num_leaves": 15, "learning_rate": 0.1, "min_data_in_leaf": 20, "feature_fraction": 0.8,
            "seed": seed, "deterministic": True, "num_threads": 1, "force_row_wise": True, "verbosity": -1,
        }  # fmt: skip
        drivers = lgb.train(settings, lgb.Dataset(columns, target), num_boost_round=120)
        error = float(((margins(drivers, columns)[:, 0] - target) ** 2).mean())
        return replace(self, drivers=drivers, fidelity=1 - error / max(float(target.var()), 1e-12))

    def _log_mean(self, rows: Rows) -> Floats:
        return np.asarray(np.log(self.predict_rows(rows)["revenue"]))

    def predict(self, data: Features) -> dict[str, Floats]:
        """Return every output, and the raw score where there are drivers, each [N]."""
        rows = self.columns.rows(data)
        if self.drivers is None:
            return self.predict_rows(rows)
        return self.predict_rows(rows) | {RAW_SCORE: margins(self.drivers, rows.without_ratios(self.columns))[:, 0]}

    def predict_rows(self, rows: Rows) -> dict[str, Floats]:
        """Return every output of rows that are encoded already."""
        return self.law.apply(self.payer.score(rows), self.spend.score(rows))

    def artefact(self) -> Artefact:
        """Export; the raw score is that of the drivers, which are fitted by then."""
        assert self.drivers is not None, "with_drivers comes first"
        numbers, texts = self.columns.numbers, tuple(self.columns.spellings)
        graph = Graph(numbers, texts)
        tensors = self.columns.add_nodes(graph)
        margin, mu = self.payer.add_nodes(graph, tensors), self.spend.add_nodes(graph, tensors)
        raw = tree_nodes(graph, from_lightgbm(self.drivers), tensors.without_ratios)
        shown = self.law.add_nodes(graph, margin, mu) | {RAW_SCORE: raw}
        extra: dict[str, object] = {
            SCALE: self.scale, "sigma": self.law.sigma, "smearing": self.law.smearing, "drivers_r2": self.fidelity,
        }  # fmt: skip
        return Artefact(
            graph.serialize({name: (tensor, 1) for name, tensor in shown.items()}), self.predict, self.kind, "model",
            numbers, texts, (*OUTPUTS, RAW_SCORE), extra, RAW_SCORE,
        )  # fmt: skip


def fit_two_part(data: Features, revenue: Floats, columns: InstallColumns, rows: Rows, seed: int) -> dict[str, TwoPart]:
    """Fit all kinds on the same rows.

    Args:
        data: training rows; only their entities are read, for the folds.
        revenue: label [N].
        rows: encoded out of fold.
    """
    paid, fold = revenue > 0, data.entity % FOLDS
    places, weight = thinned(paid, seed)
    chosen, label = rows.take(places), paid[places].astype(np.float64)
    held = fold[places] == 0
    rounds = TreeHead.until_best(chosen, label, weight, held, seed, objective="binary").rounds
    trees = TreeHead.on_all(chosen, label, weight, rounds, seed, objective="binary")
    linear = LinearHead.fit(chosen, label, weight, is_binary=True, penalty=_PENALTY_PAYER)
    payers: dict[str, Head] = {TREES: trees, LINEAR: linear, BOTH: MeanHead(trees, linear)}
    spends, laws = _fit_spend(rows.take(paid), revenue[paid], fold[paid], seed)
    scale = float(revenue.std()) or 1.0
    return {kind: TwoPart(kind, columns, payers[kind], spends[kind], laws[kind], scale) for kind in KINDS}


def _fit_spend(
    rows: Rows, amount: Floats, fold: NDArray[np.int64], seed: int
) -> tuple[dict[str, Head], dict[str, RevenueLaw]]:
    """Fit by folds, so that the law is taken from payers that the heads have not seen; then on all."""
    log_amount, even = np.log(amount), np.ones(len(amount))
    first = LinearHead.fit(rows, log_amount, even, is_binary=False, penalty=_PENALTY_SPEND).score(rows)
    weight = np.clip(np.exp((first - first.mean()) / 2), _LEAST_WEIGHT, _MOST_WEIGHT)
    unseen = {kind: np.zeros(len(amount)) for kind in KINDS}
    rounds = []
    for k in range(FOLDS):
        held = fold == k
        if not held.any() or held.all():
            continue
        trees = TreeHead.until_best(rows, log_amount, weight, held, seed, **_SPEND)
        linear = LinearHead.fit(rows.take(~held), log_amount[~held], weight[~held], is_binary=False,
                                penalty=_PENALTY_SPEND)  # fmt: skip
        rounds.append(trees.rounds)
        both = MeanHead(trees, linear)
        heads: tuple[Head, ...] = (trees, linear, both)
        for kind, head in zip(KINDS, heads, strict=True):
            unseen[kind][held] = head.score(rows.take(held))
    laws = {kind: RevenueLaw.fit(unseen[kind], amount) for kind in KINDS}
    whole = TreeHead.on_all(rows, log_amount, weight, int(np.mean(rounds)), seed, **_SPEND)
    linear = LinearHead.fit(rows, log_amount, weight, is_binary=False, penalty=_PENALTY_SPEND)
    return {TREES: whole, LINEAR: linear, BOTH: MeanHead(whole, linear)}, laws
