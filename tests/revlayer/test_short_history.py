"""Where the history is too short for a model, people are told what serves and what a model needs."""

from datetime import date

import pytest

from revlayer import short_history
from revlayer_training.ladder import Decision
from revlayer_training.outcome import Outcome
from revlayer_training.training import TrainingResult


def result(target, rung, outcome):
    return TrainingResult(target, "v", rung, ("v",), 10, date(2025, 1, 31), outcome, "because")


@pytest.mark.parametrize(("target", "kinds"), [("deal_win", "30 of them won and 30 lost"), ("deal_value", "all won")])
def test_a_lower_rung_is_named_with_what_a_model_needs(target, kinds):
    outcome = Outcome(target, None, "segment_prior", Decision("shrinkage", "short"), 90)
    [sentence] = short_history.needs([result(target, "shrinkage", outcome)])
    for part in (f"{target}: the rung shrinkage serves", "at least 150 deals", kinds, "50 later ones", "the 90 days"):
        assert part in sentence


def test_customers_are_called_customers():
    outcome = Outcome("customer_churn", None, "segment_prior", Decision("shrinkage", "short"), 90)
    [sentence] = short_history.needs([result("customer_churn", "shrinkage", outcome)])
    assert "at least 150 customers" in sentence and "30 who left and 30 who stayed" in sentence
    [nothing] = short_history.needs([result("customer_churn", "nothing", None)])
    assert "deal" not in sentence + nothing and "forecast" not in nothing


def test_nothing_to_learn_from_says_so():
    [sentence] = short_history.needs([result("deal_win", "nothing", None)])
    assert sentence.startswith("deal_win: nothing serves") and "revlayer run" in sentence


def test_a_model_that_was_fitted_needs_nothing_even_where_it_does_not_serve():
    outcome = Outcome("deal_win", None, "segment_prior", Decision("shrinkage", "not better"), 90, model="fitted")
    assert short_history.needs([result("deal_win", "shrinkage", outcome)]) == []
