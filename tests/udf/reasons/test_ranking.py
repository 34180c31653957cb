"""Top reasons: by size, with sign, equal ones in the order of the features."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from revlayer_udf.reasons import top_reasons


def test_labels_signs_ties_and_empty_places():
    contributions = np.array([[0.5, -2.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, -0.1, 0.0]], np.float32)
    columns = {name: part.to_pylist() for name, part in top_reasons(contributions, list("abcd")).columns().items()}
    assert columns["reason_1"] == ["b", None, "c"]
    assert columns["reason_2"] == ["a", None, None]
    assert columns["reason_3"] == ["c", None, None]
    assert columns["reason_1_contribution"] == [-2.0, None, np.float32(-0.1)]
    assert columns["reason_3_contribution"] == [0.5, None, None]


def test_fewer_features_than_places():
    found = top_reasons(np.array([[1.0]], np.float32), ["only"])
    assert found.codes.tolist() == [[0, -1, -1]]
    assert top_reasons(np.empty((0, 4), np.float32), list("abcd")).codes.shape == (0, 3)


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(0, 20), st.integers(1, 7)), elements=st.integers(-3, 3).map(float))
)
def test_equals_sorting_each_row(contributions):
    found = top_reasons(contributions, [str(i) for i in range(contributions.shape[1])])
    for row, codes in zip(contributions, found.codes, strict=True):
        order = [i for i in sorted(range(len(row)), key=lambda i: (-abs(row[i]), i)) if row[i] != 0][:3]
        assert [code for code in codes.tolist() if code >= 0] == order


def test_the_input_is_left_alone():
    contributions = np.array([[1.0, 2.0]], np.float32)
    top_reasons(contributions, ["a", "b"])
    assert contributions.tolist() == [[1.0, 2.0]]
