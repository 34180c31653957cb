"""Train a target: read, fit, evaluate, register, promote what later data speak for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Protocol

import psycopg

from revlayer_training.churn import fit_customer_churn
from revlayer_training.churn_snapshots import fit_snapshots, load_snapshots
from revlayer_training.customer_value import fit_customer_value
from revlayer_training.customers import load_customers
from revlayer_training.datasets import load_dataset
from revlayer_training.deal_close_month import fit_deal_close_month
from revlayer_training.deal_value import fit_deal_value
from revlayer_training.deal_win import fit_deal_win
from revlayer_training.evaluation import ALL
from revlayer_training.expansion import fit_customer_expansion
from revlayer_training.export import Artefact
from revlayer_training.features import Features
from revlayer_training.golden import golden
from revlayer_training.install_revenue import fit_install_revenue
from revlayer_training.installs import load_installs
from revlayer_training.invoice_late import fit_invoice_late
from revlayer_training.invoices import load_invoices
from revlayer_training.outcome import MODEL, NothingToLearnError, Outcome
from revlayer_training.shap_agreement import agreement_metrics
from revlayer_training.timeless import fit_without_time, load_timeless
from revlayer_udf import certificate, registry
from revlayer_udf.forecast.honesty import FIRST_HONEST_DATE, JUDGED_VERSION
from revlayer_udf.manifest import Feature, Manifest, make_version
from revlayer_udf.targets import TARGETS as SCORED


class Load(Protocol):
    """Reads features and labels known by a cutoff, of about ``max_rows`` rows."""

    def __call__(self, conn: psycopg.Connection, cutoff: date, /, *, max_rows: int | None, seed: int) -> Features: ...


@dataclass(frozen=True)
class Instead:
    """What is read and fitted where a target's own history teaches nothing; ``load`` may find nothing either."""

    load: Callable[[psycopg.Connection, date], Features | None]
    fit: Callable[[Any, date, int], Outcome]


@dataclass(frozen=True)
class Trained:
    """How a target is trained: what is read and what is fitted to it, as ``fit(data, cutoff, seed)``.

    Attributes:
        has_horizon: whether ``fit`` takes ``horizon_days`` as well.
    """

    load: Load
    fit: Callable[..., Outcome]
    instead: Instead | None = None
    has_horizon: bool = False


_TIMELESS = Instead(lambda conn, cutoff: load_timeless(conn), lambda data, cutoff, seed: fit_without_time(data, seed))

TRAINED: dict[str, Trained] = {
    "deal_win": Trained(load_dataset, fit_deal_win, _TIMELESS),
    "deal_value": Trained(load_dataset, fit_deal_value),
    "deal_close_month": Trained(load_dataset, fit_deal_close_month),
    "customer_value": Trained(load_customers, fit_customer_value, has_horizon=True),
    "customer_churn": Trained(load_customers, fit_customer_churn, Instead(load_snapshots, fit_snapshots)),
    "customer_expansion": Trained(load_customers, fit_customer_expansion),
    "install_revenue": Trained(load_installs, fit_install_revenue),
    "invoice_late": Trained(load_invoices, fit_invoice_late),
}
TARGETS = tuple(TRAINED)
REJECTED = "rejected_model"


class Progress(Protocol):
    """Called as ``progress(what, done, total)``."""

    def __call__(self, what: str, done: int, total: int, /) -> None: ...


@dataclass(frozen=True)
class TrainingResult:
    """What one training came to.

    Attributes:
        model_version: the version that serves now; None where this run put none into service.
        rung: its rung of the ladder, or ``nothing``.
        registered: every version this run registered, but for one that was only judged and then fitted again.
        row_count: rows read, after sampling.
        outcome: what fitting came to; None where there was nothing to learn from.
        reason: why it serves, or why nothing does.
    """

    target: str
    model_version: str | None
    rung: str
    registered: tuple[str, ...]
    row_count: int
    cutoff: date
    outcome: Outcome | None
    reason: str


def train(
    conn: psycopg.Connection,
    target: str,
    cutoff: date,
    seed: int = 1,
    max_rows: int | None = None,
    progress: Progress | None = None,
    horizon_days: int | None = None,
) -> TrainingResult:
    """Train one target and promote the model, or the rung below it, in one transaction.

    Args:
        target: one of ``TARGETS``.
        cutoff: nothing that became known after this day is used.
        seed: same data and seed, same artefact.
        max_rows: train on a sample of whole deals, customers or installs of about this many rows.
        horizon_days: how far customer value looks ahead; as far as its labels by default.

    Returns:
        The result; its rung is ``nothing`` where no outcome is known yet.

    Raises:
        ValueError: there is no such target, or it has no horizon of its own.
    """
    return train_all(conn, cutoff, [target], seed, max_rows, progress, horizon_days)[0]


def train_all(
    conn: psycopg.Connection,
    cutoff: date,
    targets: Sequence[str] = TARGETS,
    seed: int = 1,
    max_rows: int | None = None,
    progress: Progress | None = None,
    horizon_days: int | None = None,
) -> list[TrainingResult]:
    """Train several targets, those of one entity on one reading of its features; see ``train``."""
    for target in targets:
        if target not in TRAINED:
            raise ValueError(f"there is no target {target!r}; there are {', '.join(TARGETS)}")
        if horizon_days and not TRAINED[target].has_horizon:
            raise ValueError(f"{target} looks as far ahead as its labels, so it takes no horizon")
    tell: Progress = progress or (lambda what, done, total, /: None)
    loads = list(dict.fromkeys(TRAINED[target].load for target in targets))
    steps, done, results = len(loads) + len(targets), 0, {}
    for load in loads:
        tell("reading features", done, steps)
        data, done = load(conn, cutoff, max_rows=max_rows, seed=seed), done + 1
        for target in (name for name in targets if TRAINED[name].load is load):
            tell(f"training {target}", done, steps)
            results[target], done = _train_one(conn, target, data, cutoff, seed, horizon_days), done + 1
        del data  # the next entity's need its room
    tell("trained", steps, steps)
    return [results[target] for target in targets]


def _train_one(
    conn: psycopg.Connection, target: str, data: Features, cutoff: date, seed: int, horizon_days: int | None
) -> TrainingResult:
    trained = TRAINED[target]
    fit = partial(trained.fit, horizon_days=horizon_days) if horizon_days else trained.fit
    try:
        return _publish(conn, fit(data, cutoff, seed), data, cutoff)
    except NothingToLearnError as error:
        instead = trained.instead
        other = None if instead is None else instead.load(conn, cutoff)
        if instead is None or other is None or not len(other):
            return TrainingResult(target, None, "nothing", (), len(data), cutoff, None, error.message)
        return _train_instead(conn, target, instead, other, cutoff, seed)


def _train_instead(
    conn: psycopg.Connection, target: str, instead: Instead, data: Features, cutoff: date, seed: int
) -> TrainingResult:
    try:
        outcome = instead.fit(data, cutoff, seed)
    except NothingToLearnError as error:
        return TrainingResult(target, None, "nothing", (), len(data), cutoff, None, error.message)
    if outcome.is_temporal_evidence and outcome.entity == SCORED[target].entity:
        return _publish(conn, outcome, data, cutoff)
    return _keep_candidate(conn, outcome, data, cutoff)


def _keep_candidate(conn: psycopg.Connection, outcome: Outcome, data: Features, cutoff: date) -> TrainingResult:
    """Keep the model as a candidate: without evidence on later data, or features to score by, it never serves."""
    version = register(conn, outcome, outcome.model or outcome.fallback, data, cutoff)
    reason = outcome.decision.reason
    return TrainingResult(outcome.target, None, "nothing", (version,), len(data), cutoff, outcome, reason)


def _publish(conn: psycopg.Connection, outcome: Outcome, data: Features, cutoff: date) -> TrainingResult:
    registered = []
    with conn.transaction():
        if outcome.judged is not None:
            register(conn, outcome, outcome.judged, data, cutoff)
        if outcome.model is not None:
            registered.append(register(conn, outcome, outcome.model, data, cutoff))
        if outcome.served is outcome.fallback:
            registered.append(register(conn, outcome, outcome.fallback, data, cutoff))
        for version in registered:
            certificate.certify(conn, version)
        registry.promote(conn, registered[-1], outcome.decision.reason)
    served = outcome.served
    return TrainingResult(
        outcome.target, registered[-1], served.rung, tuple(registered), len(data), cutoff, outcome,
        outcome.decision.reason,
    )  # fmt: skip


def register(conn: psycopg.Connection, outcome: Outcome, artefact: Artefact, data: Features, cutoff: date) -> str:
    """Write one artefact with its manifest, figures and reliability; return its version."""
    manifest = make_manifest(outcome, artefact, data, cutoff)
    own = own_figures(outcome, artefact)
    agreement = agreement_metrics(artefact.content, manifest, data)
    shown = manifest.metrics | {f"{row.predictor}_{row.metric}": row.value for row in agreement}
    manifest = manifest.model_copy(update={"metrics": shown})
    registry.register(conn, artefact.content, manifest, [*own.metrics, *agreement], own.reliability,
                      golden=golden(artefact, manifest, data))  # fmt: skip
    return manifest.model_version


def make_manifest(outcome: Outcome, artefact: Artefact, data: Features, cutoff: date) -> Manifest:
    """Describe an artefact of an outcome."""
    own = own_figures(outcome, artefact)
    split = "test" if outcome.is_temporal_evidence else "cross_validation"
    summary = {
        f"{row.predictor}_{row.metric}": row.value for row in own.metrics if row.split == split and row.segment == ALL
    }
    features = [Feature(name=name, type="number", label=_label(name)) for name in artefact.numbers]
    features += [Feature(name=name, type="text", label=_label(name)) for name in artefact.texts]
    return Manifest.of(
        artefact.content,
        target=outcome.target,
        trained_on=cutoff,
        algorithm=artefact.algorithm,
        rung=artefact.rung,
        feature_relation=outcome.entity.relation,
        entity_key=outcome.entity.key,
        features=tuple(features),
        outputs=artefact.outputs,
        raw_output=artefact.raw_output,
        trained_from_date=outcome.splits[0].first_date if outcome.is_temporal_evidence else None,
        trained_through_date=cutoff if outcome.is_temporal_evidence else None,
        label_horizon_days=outcome.horizon_days or None,
        metrics=summary,
        data_fingerprint=data.fingerprint,
        is_temporal_evidence=outcome.is_temporal_evidence,
        beats_baseline=outcome.is_temporal_evidence and artefact.rung == outcome.decision.rung == "model",
        extra=_extra(outcome, artefact, cutoff),
    )


def own_figures(outcome: Outcome, artefact: Artefact) -> Outcome:
    """Return the outcome with this artefact's own figures under ``model``.

    Every version is then read alike. Beside the rung below a model, the model that was turned down keeps its
    figures as ``rejected_model``.
    """
    if artefact.rung == "model":
        return outcome

    names = {MODEL: REJECTED}
    own = outcome.fallback_predictor
    metrics = [replace(row, predictor=names.get(row.predictor, row.predictor)) for row in outcome.metrics]
    metrics += [replace(row, predictor=MODEL) for row in outcome.metrics if row.predictor == own]
    bins = [replace(row, predictor=names.get(row.predictor, row.predictor)) for row in outcome.reliability]
    bins += [replace(row, predictor=MODEL) for row in outcome.reliability if row.predictor == own]
    return replace(outcome, metrics=metrics, reliability=bins)


def _extra(outcome: Outcome, artefact: Artefact, cutoff: date) -> dict[str, object]:
    # The forecast's backtest may judge a model from here on: its labels before were fitted or calibrated to.
    is_again = outcome.judged is not None and artefact is outcome.model
    tested = [split.first_date for split in outcome.splits if split.name == "test" and not is_again]
    judged = make_version(outcome.target, cutoff, outcome.judged.content) if is_again and outcome.judged else None
    return {
        FIRST_HONEST_DATE: (tested[0] if tested else cutoff).isoformat(),
        **({JUDGED_VERSION: judged} if judged else {}),
        "decision": outcome.decision.reason,
        "notes": list(outcome.notes),
        "splits": outcome.split_extents,
        **outcome.extra,
        **artefact.extra,
    }


def _label(name: str) -> str:
    return name.removeprefix("attr_").replace("_", " ")
