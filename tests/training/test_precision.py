"""Which number features float32 holds, and how one that it cannot hold is refused."""

import numpy as np
import pyarrow as pa
import pytest

from revlayer_training.datasets import from_arrow
from revlayer_training.precision import as_float32
from revlayer_udf.errors import FeatureError

random = np.random.default_rng(1)
YEARS = 365 * 86400.0


@pytest.mark.parametrize(
    "values",
    [
        np.arange(2.0**24, 2.0**24 + 1000),
        1.7e9 + random.uniform(0, 4 * YEARS, 3000),
        np.floor(1.7e9 + random.uniform(0, 4 * YEARS, 50)),
        1.7e12 + random.uniform(0, 4000 * YEARS, 3000),
        20_251_231_000_000.0 + np.arange(50),
        1e6 + random.uniform(0, 0.5, 500),
        1e9 + random.integers(0, 1_000_000, 2000),
    ],
    ids=["consecutive integers", "epoch seconds", "few epoch seconds", "epoch milliseconds", "date codes",
         "small spread", "keys"],
)  # fmt: skip
def test_refused(values: np.ndarray) -> None:
    with pytest.raises(FeatureError, match=r"attr_x is too large for its spread(.|\n)*days to the as-of date"):
        as_float32("attr_x", np.append(values, np.nan))


@pytest.mark.parametrize(
    "values",
    [
        np.round(np.exp(random.normal(10, 2, 5000)), 2),
        np.round(np.exp(random.normal(18, 2, 5000))),
        random.beta(2, 5, 5000),
        np.floor(random.uniform(0, 4 * YEARS, 3000)),
        np.full(10, 0.1),
        np.full(10, 123_456_789.0),
        np.append(np.zeros(900), np.round(np.exp(random.normal(18, 2, 50)))),
        np.arange(2000.0, 2030.0),
        np.array([1e-300, 0.0, 1.0]),
        np.full(3, np.nan),
        np.empty(0),
        np.array([np.inf, -np.inf, 1.0]),
    ],
    ids=["amounts", "revenues", "shares", "seconds since a date", "constant", "large constant", "mostly zero", "years",
         "tiny", "unknown", "empty", "infinite"],
)  # fmt: skip
def test_held(values: np.ndarray) -> None:
    with np.errstate(under="ignore"):
        assert np.array_equal(as_float32("x", values), values.astype(np.float32), equal_nan=True)


def test_beyond_float32_is_refused() -> None:
    with pytest.raises(FeatureError, match="x holds 1e\\+39"):
        as_float32("x", np.array([1.0, 1e39]))


def test_a_dataset_holds_float32_and_refuses_by_name() -> None:
    def rows(seconds: np.ndarray) -> pa.Table:
        count, day = len(seconds), np.datetime64("2025-01-31")
        days = {name: pa.array(np.full(count, day)) for name in ("as_of_date", "created_on", "closed_on",
                                                                  "closed_known_on")}  # fmt: skip
        return pa.table(
            {"deal_id": [f"d{i}" for i in range(count)], "attr_signed": seconds, "amount": seconds % 7,
             "segment_id": ["S"] * count, "is_won": [True] * count, "won_amount": np.ones(count), **days}
        )  # fmt: skip

    data = from_arrow(rows(np.arange(100.0)), ("attr_signed", "amount"), ())
    assert data.numbers["amount"].dtype == np.float32
    assert data.numeric(("attr_signed", "amount")).dtype == np.float32
    with pytest.raises(FeatureError, match="attr_signed is too large"):
        from_arrow(rows(1.7e9 + np.arange(100.0)), ("amount", "attr_signed"), ())
