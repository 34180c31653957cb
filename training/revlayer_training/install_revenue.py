"""Install revenue: what an install pays between the age of its features and the end of its window.

A two-part model (who pays, times what payers spend) by LightGBM, by linear models and as the mean of both is fitted to
earlier installs and compared on later ones, beside ridge, lasso, a random forest, gradient boosting and LightGBM with
a Tweedie loss. The mean of both kinds serves unless another two-part model is better with evidence; whichever it is
must beat the mean of country and platform. Then it is fitted again to everything known.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from revlayer_training import evaluation
from revlayer_training.export import check_parity
from revlayer_training.install_columns import InstallColumns
from revlayer_training.install_evaluation import decile_table, revenue_metrics, tweedie_deviance
from revlayer_training.install_rivals import Rivals
from revlayer_training.install_segments import SegmentRevenue
from revlayer_training.install_two_part import BOTH, KINDS, TwoPart, fit_two_part
from revlayer_training.installs import InstallDataset
from revlayer_training.ladder import FEWEST_FOR_MODEL, FEWEST_FOR_SHRINKAGE, FEWEST_OF_EACH_CLASS, Decision, serve
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome, describe_splits
from revlayer_udf.targets import INSTALL

TARGET = "install_revenue"
SEGMENT_MEAN = "segment_mean"
TRAIN_SHARE = 0.7
FEWEST_PAYERS = 150
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledInstalls:
    """The rows whose label is known; later ones test what earlier ones teach.

    Attributes:
        rows: all of them.
        train: known before ``test_from``; no row where the history is too short.
        test: installs of that day and later.
        window: days from the features to the end of the window.
    """

    rows: Mask
    train: Mask
    test: Mask
    window: int

    @classmethod
    def of(cls, data: InstallDataset, cutoff: date) -> "LabelledInstalls":
        """Let seven of ten installs teach.

        Raises:
            NothingToLearnError: no label is known.
        """
        rows = np.isfinite(data.revenue) & (data.revenue_known_on <= np.datetime64(cutoff, "D"))
        if not rows.any():
            raise NothingToLearnError(
                f"no window of an install has ended by {cutoff}",
                "Shorten install_value_window_days, or wait until a window has passed.",
            )
        window = int((data.revenue_known_on - data.as_of)[rows].min().astype(int))
        days = np.sort(data.as_of[rows])
        test_from = days[int(TRAIN_SHARE * (len(days) - 1))]
        train = rows & (data.as_of < test_from) & (data.revenue_known_on <= test_from)
        test = rows & (data.as_of >= test_from) if train.any() else np.zeros(len(rows), bool)
        return cls(rows, train, test, window)


@dataclass(frozen=True)
class Trial:
    """Models of earlier installs and what they foretell of later ones.

    Attributes:
        models: the two-part models by kind.
        predictions: by predictor, its outputs on the test rows.
        chosen: the kind that would serve.
    """

    models: dict[str, TwoPart]
    predictions: dict[str, dict[str, Floats]]
    chosen: str

    @classmethod
    def run(cls, data: InstallDataset, labelled: LabelledInstalls, seed: int) -> "Trial":
        """Fit to the training rows, predict the test rows, choose."""
        train, test = data.take(labelled.train), data.take(labelled.test)
        columns, rows = InstallColumns.fit(train, train.revenue)
        models = fit_two_part(train, train.revenue, columns, rows, seed)
        rivals = Rivals.fit(rows, train.revenue, seed)
        del rows
        later = columns.rows(test)
        predictions = {kind: model.predict_rows(later) for kind, model in models.items()}
        predictions |= {name: {"revenue": values} for name, values in rivals.predict(later).items()}
        segments = SegmentRevenue.fit(train.segments, train.revenue, "shrinkage")
        predictions[SEGMENT_MEAN] = segments.predict(test)
        losses = {kind: tweedie_deviance(test.revenue, predictions[kind]["revenue"]) for kind in KINDS}
        better = [
            kind for kind in KINDS
            if kind != BOTH and evaluation.compare(losses[BOTH], losses[kind], test.entity).is_evidence
        ]  # fmt: skip
        return cls(models, predictions, min(better, key=lambda kind: float(losses[kind].mean()), default=BOTH))


def fit_install_revenue(data: InstallDataset, cutoff: date, seed: int = 1) -> Outcome:
    """Fit to installs whose window is over, evaluate on later ones and decide.

    Raises:
        NothingToLearnError: no window has ended.
    """
    labelled = LabelledInstalls.of(data, cutoff)
    reach = _reach(data, labelled)
    known = data.take(labelled.rows)
    rung = "prior" if reach.rung == "prior" else "shrinkage"
    lower = SegmentRevenue.fit(known.segments, known.revenue, rung)  # type: ignore[arg-type]
    outcome = Outcome(TARGET, lower.artefact(), SEGMENT_MEAN, reach, labelled.window, entity=INSTALL)
    if reach.rung == "model":
        outcome.splits = describe_splits(data, {"train": labelled.train, "test": labelled.test})
        _add_model(outcome, data, labelled, seed)
    else:
        outcome.splits = describe_splits(data, {"train": labelled.rows})
    return outcome


def _reach(data: InstallDataset, labelled: LabelledInstalls) -> Decision:
    installs, payers = int(labelled.rows.sum()), int((data.revenue[labelled.rows] > 0).sum())
    taught = int((data.revenue[labelled.train] > 0).sum())
    tested = int((data.revenue[labelled.test] > 0).sum())
    counted = f"{installs} installs of which {payers} paid"
    if installs < FEWEST_FOR_SHRINKAGE or payers < FEWEST_OF_EACH_CLASS:
        return Decision("prior", f"{counted}: too little to tell segments apart, one rate and mean is served")
    has_columns = any(len(np.unique(column)) > 1 for column in data.numbers.values())
    if installs < FEWEST_FOR_MODEL or taught < FEWEST_PAYERS or tested < FEWEST_OF_EACH_CLASS or not has_columns:
        return Decision("shrinkage", f"{counted} are too few for a model: the mean of country and platform is served")
    return Decision("model", "there is enough history to train and test a model")


def _add_model(outcome: Outcome, data: InstallDataset, labelled: LabelledInstalls, seed: int) -> None:
    trial, test = Trial.run(data, labelled, seed), data.take(labelled.test)
    shown = trial.predictions | {MODEL: trial.predictions[trial.chosen]}
    _evaluate(outcome, test, shown)
    losses = {name: tweedie_deviance(test.revenue, shown[name]["revenue"]) for name in (SEGMENT_MEAN, MODEL)}
    comparison = evaluation.compare(losses[SEGMENT_MEAN], losses[MODEL], test.entity)
    outcome.decision = serve(
        comparison, outcome.fallback.rung, trial.chosen.replace("_", " "), "segment mean", "installs"
    )
    chosen = trial.chosen
    del trial, shown, losses
    known = data.take(labelled.rows)
    columns, rows = InstallColumns.fit(known, known.revenue)
    model = fit_two_part(known, known.revenue, columns, rows, seed)[chosen]
    outcome.model = model.with_drivers(rows, seed).artefact()
    outcome.model.extra.update(check_parity(outcome.model, data))


def _evaluate(outcome: Outcome, test: InstallDataset, shown: dict[str, dict[str, Floats]]) -> None:
    for predictor, outputs in shown.items():

        def figures(rows: Mask, outputs: dict[str, Floats] = outputs) -> dict[str, float | None]:
            return revenue_metrics(test.revenue[rows], {name: values[rows] for name, values in outputs.items()})

        found = evaluation.by_segment("test", predictor, test.segments, figures)
        # Of the alternatives the whole is kept: many segments, few payers in each.
        keeps = predictor in (MODEL, SEGMENT_MEAN)
        outcome.metrics += [row for row in found if keeps or row.segment == evaluation.ALL]
        outcome.reliability += decile_table("test", predictor, test.revenue, outputs["revenue"])
