"""TreeSHAP from the ensemble alone equals LightGBM's own."""

from dataclasses import replace

import numpy as np
import pytest
from udf.reasons.boosted import boosted, ensemble_of, sample

from revlayer_udf.reasons import tree_shap
from revlayer_udf.reasons.paths import quadrature


@pytest.mark.parametrize(
    ("columns", "trees", "leaves", "missing"), [(8, 40, 31, 0.1), (4, 20, 63, 0.0), (12, 30, 4, 0.3)]
)
def test_equals_lightgbm(columns, trees, leaves, missing):
    x, y = sample(3000, columns, seed=columns, missing=missing)
    booster = boosted(x, y, trees, leaves, min_data_in_leaf=5)
    base, contributions = tree_shap(ensemble_of(booster), x[:300])
    expected = booster.predict(x[:300], pred_contrib=True)
    np.testing.assert_allclose(contributions, expected[:, :-1], rtol=0, atol=1e-6)
    assert base == pytest.approx(expected[0, -1], abs=1e-6)


def test_sums_to_the_score_for_averages_of_deep_trees():
    x, y = sample(2000, 6)
    booster = boosted(x, y, 5, 200, min_data_in_leaf=1)
    ensemble = replace(ensemble_of(booster), aggregate="AVERAGE", base=np.array([3.0]))
    base, contributions = tree_shap(ensemble, x[:100])
    np.testing.assert_allclose(base + contributions.sum(axis=1), ensemble.score(x[:100])[:, 0], rtol=0, atol=1e-9)


def test_a_tree_of_one_leaf_gives_the_base_alone():
    x, y = sample(500, 4)
    ensemble = ensemble_of(boosted(x, y, 3, 2, min_gain_to_split=1e9))
    base, contributions = tree_shap(ensemble, x[:10])
    assert (contributions == 0).all()
    assert base == pytest.approx(ensemble.score(x[:1])[0, 0])


@pytest.mark.parametrize("slots", range(1, 12))
def test_quadrature_is_exact_for_the_polynomials_that_occur(slots):
    points, weights = quadrature(slots)
    for degree in range(slots):
        assert (weights * points**degree).sum() == pytest.approx(1 / (degree + 1), rel=1e-12)
