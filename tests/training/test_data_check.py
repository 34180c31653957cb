"""What a check of the data finds before anything is trained."""

from dataclasses import replace

import numpy as np
import pytest
from customer_rows import leavers

from revlayer_training.churn_rows import ChurnRows
from revlayer_training.data_check import CHECKED, check_rows
from revlayer_training.preprocessing import Texts


def checked(data, cutoff):
    rows = ChurnRows.of(data).known_by(np.datetime64(cutoff, "D"))
    return check_rows("customer_churn", "features.ftr_customers", rows, cutoff)


def found(check, level):
    return [finding.text for finding in check.findings if finding.level == level]


def with_numbers(data, **columns):
    columns = {name: np.asarray(column, np.float32) for name, column in columns.items()}
    names = tuple(dict.fromkeys((*data.number_features, *columns)))
    return replace(data, numbers={**data.numbers, **columns}, number_features=names)


@pytest.fixture(scope="module")
def history():
    return leavers(customers=400)


def label(data):
    rows = ChurnRows.of(data)
    return np.where(rows.is_known, rows.y, 0.0)


def test_good_data_have_no_error(history):
    data, cutoff = history
    check = checked(data, cutoff)
    assert check.is_trainable and not found(check, "error") and not found(check, "warning")
    assert (check.row_count, check.customer_count) == (3200, 400)
    assert [row.known_count for row in check.dates] == [400] * 7 + [0]
    rates = [row.label_rate for row in check.dates[:-1]]
    assert all(0.1 < rate < 0.5 for rate in rates) and check.dates[-1].label_rate is None
    notes = "\n".join(found(check, "note"))
    assert "400 of 3,200 rows have no label" in notes
    assert "1,400 contractual rows, known after 90 days" in notes and "1,400 noncontractual" in notes


def test_a_feature_that_knows_the_label_is_suspected(history):
    data, cutoff = history
    rng = np.random.default_rng(1)
    told = label(data) + 0.1 * rng.normal(size=len(data))
    check = checked(with_numbers(data, cancelled=told), cutoff)
    assert not check.is_trainable
    assert "cancelled alone tells the label" in found(check, "error")[0]
    assert check.features[0].name == "cancelled" and check.features[0].auc_alone > 0.97


def test_a_feature_that_is_there_only_afterwards_is_suspected(history):
    data, cutoff = history
    reason = np.where(label(data) > 0, 1.0, np.nan)
    assert "exit_survey alone" in found(checked(with_numbers(data, exit_survey=reason), cutoff), "error")[0]


def test_a_text_that_knows_the_label_is_suspected_but_not_one_of_single_rows(history):
    data, cutoff = history
    texts = {
        "status": Texts.of(["gone" if gone else "here" for gone in label(data)]),
        "nickname": Texts.of([f"n{row}" for row in range(len(data))]),
    }
    data = replace(data, texts={**data.texts, **texts}, text_features=(*data.text_features, *texts))
    [error] = found(checked(data, cutoff), "error")
    assert "status alone" in error


def test_constant_missing_and_repeated_are_named(history):
    data, cutoff = history
    rare = np.where(np.arange(len(data)) % 50 == 0, np.arange(len(data)), np.nan)
    data = with_numbers(data, never=np.full(len(data), np.nan), same=np.full(len(data), 3.0), rare=rare)
    check = checked(data, cutoff)
    assert "never known, so left out: never" in found(check, "note")
    assert "constant, so left out: same" in found(check, "note")
    assert any("or more: rare" in text for text in found(check, "warning"))
    shares = {row.name: row.missing_rate for row in check.features}
    assert shares["never"] == 1 and shares["rare"] == pytest.approx(0.98) and shares["same"] == 0
    twice = data.take(np.ones(len(data), bool))
    twice = replace(twice, entity=np.where(twice.entity == 1, 0, twice.entity))
    assert "8 rows repeat a customer and as-of date" in found(checked(twice, cutoff), "error")


def test_rows_that_equal_another_are_counted(history):
    data, cutoff = history
    source = np.arange(len(data))
    source[1::2] -= 1  # every second row is the one before, of the same date
    data = replace(
        data,
        numbers={name: column[source] for name, column in data.numbers.items()},
        texts={name: Texts(texts.names, texts.codes[source]) for name, texts in data.texts.items()},
    )
    [warning] = found(checked(data, cutoff), "warning")
    assert warning == "1,600 rows (50.0%) equal another of their date in every feature"


@pytest.mark.parametrize(
    ("settings", "level", "said"),
    [
        ({"customers": 12, "share_contractual": 1.0}, "warning", "no model can be reached: 12 customers of which"),
        ({"customers": 12}, "warning", "no model of noncontractual customers can be reached: 6 customers of which"),
        ({"customers": 300, "level": -60.0, "signal": 0.0}, "error", "every known label is 0"),
        ({"customers": 300, "dates": 1}, "error", "no label is known"),
        ({"customers": 300, "dates": 2}, "warning", "history is too short"),
        ({"customers": 0}, "error", "no customer has features yet: build them with revlayer run"),
    ],
)
def test_what_cannot_be_learnt_is_said(settings, level, said):
    check = checked(*leavers(**settings))
    assert any(said in text for text in found(check, level)), check.findings
    assert check.is_trainable == (level != "error")


def test_growth_is_counted_among_all_that_could_grow(history):
    data, cutoff = history
    data = replace(data, is_expanded=data.is_churned_contractual, expansion_known_on=data.contractual_known_on)
    rows = CHECKED["customer_expansion"](data).known_by(np.datetime64(cutoff, "D"))
    notes = found(check_rows("customer_expansion", "features.ftr_customers", rows, cutoff), "note")
    share = np.nanmean(data.is_expanded)
    assert f"1,400 labelled rows, known after 90 days, {share:.1%} are 1" in notes


def test_a_feature_is_judged_within_the_kind():
    """What only one kind has tells which customers those are, not which of them leave."""
    data, cutoff = leavers(customers=400, level=-3.0, shop_level=0.5)
    kind = (np.nan_to_num(data.numbers["plan_value"]) > 0).astype(float)
    only = np.where(kind > 0, np.random.default_rng(1).normal(size=len(data)), np.nan)
    check = checked(with_numbers(data, has_plan=kind, of_contracts=only), cutoff)
    rows = {row.name: row for row in check.features}
    assert rows["has_plan"].auc_by_kind == {"contractual": 0.5, "noncontractual": 0.5}
    assert rows["of_contracts"].auc_by_kind["noncontractual"] == 0.5 and rows["of_contracts"].auc_alone < 0.6
    for name, own, other in (
        ("time_since_last_use_days", "contractual", "noncontractual"),
        ("days_since_last_order", "noncontractual", "contractual"),
    ):
        found = rows[name].auc_by_kind
        assert found[own] > 0.7 and found[other] == 0.5
    assert check.is_trainable


def test_a_leak_in_one_kind_is_found():
    data, cutoff = leavers(customers=400)
    pays = np.nan_to_num(data.numbers["plan_value"]) > 0
    told = np.where(pays, np.random.default_rng(1).normal(size=len(data)), label(data))
    [error] = found(checked(with_numbers(data, final_order=told), cutoff), "error")
    assert "final_order alone tells the label" in error
