"""Corrections: on trees of one feature each, leaves and corrections together are TreeSHAP itself."""

import numpy as np
import pytest
from udf.reasons.boosted import boosted, ensemble_of, sample

from revlayer_udf.reasons.main_effects import MOST_LEVELS, correction_trees
from revlayer_udf.reasons.paths import Paths
from revlayer_udf.reasons.trees import path_contributions
from revlayer_udf.reasons.treeshap import tree_shap


def corrected(ensemble, x):
    """Leaf contributions and corrections of each row by column, before anything is spread."""
    paths = Paths.of(ensemble)
    _, credits = path_contributions(paths, np.ones(1))
    table = np.zeros((len(ensemble.feature), x.shape[1] + 1))
    np.add.at(table, (paths.leaves[:, None], paths.slot_features), credits)
    carried = table[ensemble.leaves_of(x)].sum(axis=1)[:, :-1]
    corrections = correction_trees(paths, credits, np.ones(1))
    if corrections is not None:
        carried[:, : corrections.target_count] += corrections.score(x)
    return carried


def test_single_splits_need_no_correction():
    x, y = sample(3000, 5)
    ensemble = ensemble_of(boosted(x, y, 40, leaves=2))
    _, exact = tree_shap(ensemble, x[:200])
    np.testing.assert_allclose(corrected(ensemble, x[:200]), exact, rtol=0, atol=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_mean_contribution_by_value_is_that_of_treeshap(missing):
    x, y = sample(20_000, 4, missing=missing)
    x[:, 1] = np.random.default_rng(5).permutation(x[:, 1])  # independent features, as the formula takes them
    ensemble = ensemble_of(boosted(x, y, 30, leaves=8))
    rows = x[:6000]
    _, exact = tree_shap(ensemble, rows)
    found = corrected(ensemble, rows)
    for column in range(4):
        value = np.nan_to_num(rows[:, column], nan=99.0)
        bins = np.digitize(value, [-1.0, -0.3, 0.3, 1.0, 50.0])
        for level in np.unique(bins):
            difference = (found - exact)[bins == level, column].mean()
            assert abs(difference) < 0.12 * np.abs(exact[:, column]).mean() + 0.004


def test_a_correction_has_few_levels_and_its_own_for_missing():
    x, y = sample(3000, 4, missing=0.2)
    paths = Paths.of(ensemble_of(boosted(x, y, 60)))
    corrections = correction_trees(paths, path_contributions(paths, np.ones(1))[1], np.ones(1))
    assert corrections is not None
    assert corrections.leaf_count <= (MOST_LEVELS + 1) * 4
    at = np.zeros((3, 4), np.float32)
    at[1:] = 1e30
    at[2] = np.nan
    scores = corrections.score(at)
    assert (scores[1] != scores[2]).all()
