"""Agreement figures: what they count, and that models of the project reach them."""

import numpy as np
import pytest

from revlayer_training.shap_agreement import compare


def test_shares_of_rows():
    exact = np.array([[3.0, -2.0, 1.0, 0.0], [3.0, -2.0, 1.0, 0.0], [0.0, 1.0, 2.0, 3.0]])
    quick = np.array([[3.0, -2.0, 1.0, 0.5], [2.0, -3.0, 0.0, 1.0], [3.0, 1.0, 2.0, 0.0]])
    found = compare(exact, quick)
    assert found.reasons_top_1 == pytest.approx(1 / 3)
    assert found.reasons_top_3_as_set == pytest.approx(1 / 3)
    assert found.reasons_top_3_in_order == pytest.approx(1 / 3)
    assert found.reasons_first_in_top_3 == pytest.approx(2 / 3)
    assert found.reasons_distance == pytest.approx((0.5 + 4.0 + 6.0) / 18.0)


def test_the_same_contributions_agree_whole():
    values = np.random.default_rng(0).normal(size=(50, 5))
    found = compare(values, values.copy())
    assert (found.reasons_top_1, found.reasons_top_3_in_order, found.reasons_distance) == (1.0, 1.0, 0.0)
