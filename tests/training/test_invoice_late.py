"""Late payment: the law that was drawn from is found again, what serves when, and what is never seen."""

from dataclasses import replace
from datetime import date

import invoice_rows
import numpy as np
import pytest
from invoice_rows import END

from revlayer_training.delay_law import OUTPUTS, DelayLaw, Spells
from revlayer_training.export import run
from revlayer_training.invoice_late import (
    COMPANY,
    OVERALL,
    PAYER,
    RECORD,
    RECORD_FEATURES,
    common_shift,
    fit_invoice_late,
    late_labels,
)
from revlayer_training.invoices import empty
from revlayer_training.outcome import MODEL, NothingToLearnError
from revlayer_udf.cash.law import unpaid

DAY = np.datetime64(END)


@pytest.fixture(scope="module")
def data():
    return invoice_rows.data()


@pytest.fixture(scope="module")
def outcome(data):
    return fit_invoice_late(data, END)


def test_a_law_is_found_again_from_open_invoices_alone():
    """Long delays are seen at more dates than short ones; a fit that forgot so would be days too late."""
    rows = invoice_rows.data(count=20_000, payers=1, spread=0.0, scale=4.0, seed=7)
    truth = rows.numbers["payer_days_past_due"][-1]  # of one payer its record is the mean
    law = DelayLaw.fit(rows.take(rows.as_of < DAY), Spells.of(rows.take(rows.as_of < DAY), DAY), (), 1.0)
    location, scale = (found[0] for found in law.parameters(rows))
    assert location == pytest.approx(truth, abs=0.6)
    assert scale == pytest.approx(4.0, rel=0.06)


def test_every_predictor_is_held_against_later_dates(outcome):
    for metric in ("brier", "auc", "ece"):
        found = {row.predictor for row in outcome.metrics if (row.split, row.metric) == ("test", metric)}
        assert found == {COMPANY, PAYER, OVERALL, RECORD, MODEL}
    test = {row.name: row for row in outcome.splits}["test"]
    train = {row.name: row for row in outcome.splits}["train"]
    assert (test.first_date - train.last_date).days > outcome.horizon_days


def test_the_law_of_the_payers_own_record_beats_rates(outcome):
    brier = {name: outcome.value("brier", name) for name in (COMPANY, PAYER, OVERALL, RECORD)}
    assert brier[RECORD] < min(brier[PAYER], brier[OVERALL]) < max(brier[PAYER], brier[OVERALL]) < brier[COMPANY]
    assert 0.72 <= outcome.value("coverage_80", RECORD) <= 0.88


def test_a_model_that_knows_no_more_than_the_record_does_not_serve(outcome):
    """Payers here differ by their record alone: further features only add noise, and later dates say so."""
    assert outcome.model is not None
    assert outcome.served is outcome.fallback and outcome.served.rung == "shrinkage"
    assert "no evidence" in outcome.decision.reason


def test_a_feature_that_tells_when_is_used():
    rows = invoice_rows.data(seed=3)
    delay = (rows.settled_on - rows.due_on).astype(np.float64)
    hint = np.where(np.isnat(rows.settled_on), 25.0, delay) + np.random.default_rng(1).normal(0, 3, len(rows))
    told = replace(rows, numbers={**rows.numbers, "payment_terms_days": hint.astype(np.float32)})
    found = fit_invoice_late(told, END)
    assert found.served.rung == "model"
    assert found.value("brier") < 0.7 * found.value("brier", RECORD)


def test_the_graph_is_the_law(outcome, data):
    for artefact in (outcome.model, outcome.fallback):
        found, wanted = run(artefact, data), artefact.predict(data)
        for name in OUTPUTS:
            assert np.allclose(found[name][:, 0], wanted[name], rtol=1e-5, atol=1e-5), name


@pytest.mark.parametrize("location", [-300.0, -20.0, 0.0, 40.0, 900.0])
def test_the_graph_is_exact_far_from_the_location(data, location):
    fitted = DelayLaw.fit(data, Spells.of(data, DAY + 1), (), 1.0)
    law = replace(fitted, location=np.array([location], np.float32), log_scale=np.array([0.0], np.float32))
    some = fit_invoice_late(data.take(data.entity < 40), END).fallback
    artefact = replace(some, content=law.serialize(["days_past_due"]), numbers=("days_past_due",))
    late = run(artefact, data)["late_probability"][:, 0]
    since = data.past_due
    wanted = unpaid(np.zeros(len(since)), since, np.full(len(since), location), np.ones(len(since)))
    assert np.abs(late - wanted).max() < 1e-5
    assert (late[since >= 0] == 1).all()


def test_labels_are_what_was_known(data):
    y, _ = late_labels(data, DAY)
    assert np.isnan(y[data.past_due > 0]).all()
    told = ~np.isnan(y)
    delay = (data.settled_on - data.due_on).astype(np.float64)
    assert (y[told & ~np.isnat(data.settled_on)] == (delay > 0)[told & ~np.isnat(data.settled_on)]).all()
    earlier = np.datetime64("2025-06-30")
    then, then_known_on = late_labels(data, earlier)
    assert (then_known_on[~np.isnan(then)] <= earlier).all()
    assert np.isnan(then[data.due_on > earlier][delay[data.due_on > earlier] > 0]).all()
    both = ~np.isnan(then) & told
    assert (then[both] == y[both]).all() and both.sum() > 500


def test_what_was_known_later_changes_nothing(data):
    """The same rows with every later settlement unknown, and with wild ones, give the same bytes."""
    cutoff = date(2025, 9, 30)
    later = data.settled_known_on > np.datetime64(cutoff)
    nothing = np.where(later, np.datetime64("NaT"), data.settled_on)
    blind = replace(data, settled_on=nothing, settled_known_on=nothing, is_paid=data.is_paid & ~later)
    wild = replace(data, settled_on=np.where(later, data.settled_on + 400, data.settled_on))
    first, second, third = (fit_invoice_late(rows, cutoff) for rows in (data, blind, wild))
    assert first.fallback.content == second.fallback.content == third.fallback.content
    assert first.model.content == second.model.content == third.model.content


def test_what_was_written_off_was_unpaid_until_then(data):
    before = data.take((data.as_of < DAY) & data.is_paid)
    paid, given_up = Spells.of(before, DAY), Spells.of(replace(before, is_paid=~before.is_paid), DAY)
    assert paid.is_paid.all() and not given_up.is_paid.any()
    assert (given_up.ended == paid.ended - 0.5).all() and (given_up.ended >= given_up.began).all()


@pytest.mark.parametrize(("count", "rung"), [(25, "prior"), (120, "shrinkage")])
def test_small_histories_answer_and_say_so(count, rung):
    outcome = fit_invoice_late(invoice_rows.data(count=count), END)
    assert outcome.served.rung == rung and outcome.model is None
    scored = run(outcome.served, invoice_rows.data(count=count))
    assert all(np.isfinite(values).all() for values in scored.values())
    assert (scored["scale"] >= 1).all()
    assert any(word in outcome.decision.reason for word in ("too few", "too short"))


def test_without_a_payment_there_is_nothing_to_learn(data):
    for rows in (empty(), replace(data, is_paid=np.zeros(len(data), bool)), data.take(data.as_of == DAY)):
        with pytest.raises(NothingToLearnError, match="is known to be paid"):
            fit_invoice_late(rows, END)


def test_one_payment_is_enough_for_a_law_of_a_week():
    rows = invoice_rows.data(count=400)
    one = rows.take(rows.is_paid & (rows.as_of < DAY)).take(np.arange((rows.is_paid & (rows.as_of < DAY)).sum()) == 0)
    found = run(fit_invoice_late(one, END).served, rows)
    assert (found["scale"] >= 1).all() and (found["scale"] < 30).all()


def test_a_shift_common_to_a_date_is_told(data):
    rows = data.take(data.as_of < DAY)
    law = DelayLaw.fit(rows, Spells.of(rows, DAY), RECORD_FEATURES, 1.0)
    quiet = common_shift(law, rows, DAY)["payment_law"]["common_shift_days"]
    moved = np.random.default_rng(2).normal(0, 6, 400)[(rows.as_of.astype("M8[M]").astype(int)) % 400]
    late = np.maximum(rows.settled_on + np.round(moved).astype("m8[D]"), rows.as_of + 1)
    shifted = replace(rows, settled_on=late, settled_known_on=np.minimum(late, DAY))
    law = DelayLaw.fit(shifted, Spells.of(shifted, DAY), RECORD_FEATURES, 1.0)
    loud = common_shift(law, shifted, DAY)["payment_law"]["common_shift_days"]
    assert quiet < 2 < 3 < loud < 9


def test_equal_data_give_equal_bytes(data):
    some = data.take(data.entity % 3 == 0)
    assert fit_invoice_late(some, END).served.content == fit_invoice_late(some, END, seed=9).served.content
