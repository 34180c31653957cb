"""Close timing by stage and month of the quarter: counted by hand, alike in every engine, without the test period."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revlayer_training.deal_close_month import close_bins, fit_deal_close_month
from revlayer_training.export import run
from revlayer_training.preprocessing import Texts
from revlayer_training.stage_timing import BIN_ENDS, CLASSES, OUTPUT, QUARTER, StageTiming
from revlayer_training.training import make_manifest
from revlayer_udf import certificate, engines, registry
from revlayer_udf.registry import Model

DAYS = [0, 14, 15, 16, 30, 45, 46, 61, 76, 77, 91, -3, np.inf, -np.inf, np.nan]
ROWS = st.lists(
    st.tuples(st.sampled_from(["A", "B", ""]), st.sampled_from(DAYS), st.integers(0, CLASSES - 1)),
    min_size=1, max_size=60,
)  # fmt: skip


def with_quarter(data, days, stages=None):
    """The rows with days to the quarter's end as a feature."""
    texts = data.texts if stages is None else data.texts | {"stage_name": Texts.of(list(stages))}
    numbers = data.numbers | {QUARTER: np.asarray(days, np.float32)}
    return replace(data, numbers=numbers, texts=texts, number_features=(*data.number_features, QUARTER))


@pytest.fixture(scope="module")
def history(make_history):
    """A history whose deals close within three weeks where the month left in the quarter is the first of three."""
    data, cutoff = make_history(deals=3000)
    months = data.as_of.astype("datetime64[M]").astype(int) % 3  # 2: the quarter's last month
    days = np.array([61.0, 30.0, 0.0])[months]
    quick = (months == 0) & ~np.isnat(data.closed_on) & data.is_won
    closed = np.where(quick, np.minimum(data.closed_on, data.as_of + np.timedelta64(5, "D")), data.closed_on)
    return replace(with_quarter(data, days), closed_on=closed), cutoff


def rows_of(make_history, stages, days):
    """Rows of nothing but stage and days to the quarter's end."""
    data, _ = make_history(deals=300)
    kept = data.take(np.arange(len(data)) < len(stages))
    return with_quarter(kept, days, stages)


def months_left(days: float) -> int | None:
    """The month of the quarter whose end is nearest to the day."""
    if np.isnan(days):
        return None
    return 0 if days <= 15 or days > 76 else 1 if days <= 45 else 2


def expected_shares(rows, stage: str, month: int | None) -> list[Fraction]:
    """Count by hand: each group's shares are drawn to those it lies in, by thirty rows' worth."""

    def drawn(group, prior):
        counts = [sum(found == bin_ for _, _, found in group) for bin_ in range(CLASSES)]
        return [(count + 30 * share) / (len(group) + 30) for count, share in zip(counts, prior, strict=True)]

    total = len(rows) + Fraction(CLASSES, 2)
    shares = [(sum(found == bin_ for _, _, found in rows) + Fraction(1, 2)) / total for bin_ in range(CLASSES)]
    own = [row for row in rows if row[0] == stage]
    if own:
        shares = drawn(own, shares)
    return drawn([row for row in own or rows if months_left(row[1]) == month], shares)


@pytest.mark.identity
@given(ROWS)
def test_shares_are_those_counted_by_hand_and_add_up_to_one(make_history, rows) -> None:
    stages, days, bins = zip(*rows, strict=True)
    timing = StageTiming.fit(rows_of(make_history, stages, days), np.array(bins), "shrinkage")
    asked = [(stage, day) for stage in ("A", "B", "", "never seen") for day in DAYS]
    scored = rows_of(make_history, *zip(*asked, strict=True))
    within, shares = timing.predict(scored), np.exp(timing.log_shares(scored))
    assert within.shape == (len(asked), len(BIN_ENDS)) and np.all((within > 0) & (within < 1))
    assert np.all(np.diff(within, axis=1) > 0) and np.allclose(shares.sum(axis=1), 1, atol=1e-6)
    for (stage, day), found in zip(asked, within, strict=True):
        expected = np.cumsum([float(share) for share in expected_shares(rows, stage, months_left(day))])
        assert np.allclose(found, expected[:-1], atol=1e-12), (stage, day)


def test_every_engine_gives_the_same(make_history, history, make_database, plpython_database) -> None:
    data, cutoff = history
    outcome = fit_deal_close_month(data, cutoff)
    timing = outcome.fallback
    assert timing.numbers == (QUARTER,) and timing.algorithm == "stage_timing"
    asked = [(stage, day) for stage in ("A", "B", "", "never seen") for day in DAYS]
    stages, days = zip(*asked, strict=True)
    scored = rows_of(make_history, stages, days)
    trained = timing.predict(scored)
    assert np.array_equal(run(timing, scored)[OUTPUT], trained[OUTPUT].astype(np.float32))
    model = Model(make_manifest(outcome, timing, data, cutoff), timing.content)
    rows = pa.table({QUARTER: pa.array(days, pa.float64()), "stage_name": pa.array(stages)})
    answers = {"trained": trained, "onnxruntime": engines.score_onnxruntime(None, model, rows)}
    with make_database("timing").connect("scorer") as conn:
        answers["sql"] = engines.score_sql(conn, model, rows)
    with plpython_database.connect("scorer") as conn:
        registry.register(conn, model.artefact, model.manifest)
        answers["plpython"] = engines.score_plpython(conn, model, rows)
        conn.rollback()
    found = list(certificate.compare(model.manifest, answers, np.ones(len(asked), bool)))
    assert len(found) == 6 and all((pair.status, pair.row_count) == ("equal", len(asked)) for pair in found), found


def test_the_month_of_the_quarter_is_learnt_and_the_model_starts_from_it(history) -> None:
    data, cutoff = history
    outcome = fit_deal_close_month(data, cutoff)
    within = run(outcome.fallback, data)[OUTPUT][:, 0]
    first = data.numbers[QUARTER] == 61
    assert within[first].min() > 0.8 > 0.3 > within[~first].max()
    assert outcome.value("rps", "stage_timing") < 0.8 * outcome.value("rps", "overall_timing")
    model = run(outcome.model, data)[OUTPUT]
    assert np.all(np.diff(model, axis=1) >= 0) and np.all((model >= 0) & (model <= 1))


def test_a_history_without_quarters_is_told_apart_by_stage(make_history) -> None:
    data, cutoff = make_history(deals=1500)
    outcome = fit_deal_close_month(data, cutoff)
    assert (outcome.fallback.numbers, outcome.fallback.texts) == ((), ("stage_name",))
    within = run(outcome.fallback, data)[OUTPUT]
    assert len(np.unique(within, axis=0)) == len(data.texts["stage_name"].seen())


def test_nothing_of_the_test_period_is_in_the_table(history) -> None:
    data, cutoff = history
    outcome = fit_deal_close_month(data, cutoff)
    test_from = np.datetime64(next(split for split in outcome.splits if split.name == "test").first_date)
    later = data.closed_known_on > test_from
    # Whatever is won later is won a day later, and as of later dates: the bytes stay.
    closed = np.where(later, data.closed_on + np.timedelta64(1, "D"), data.closed_on)
    changed = replace(data, closed_on=closed)
    assert (close_bins(changed) != close_bins(data)).any()
    assert fit_deal_close_month(changed, cutoff).fallback.content == outcome.fallback.content
