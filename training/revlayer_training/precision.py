"""Numbers are rounded to float32 once, before anything learns from them; a feature that loses by it is refused."""

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.errors import FeatureError

# From here on float32 skips integers.
EXACT_INTEGERS = 2.0**24
# Steps of float32 at the feature's usual size, in units of its spread: amounts and counts have 1e-7 and less, seconds
# since 1970 over some years 3e-6.
COARSE, COARSE_SMALL = 1e-6, 1e-3
MANY = 0.1
HINT = (
    "Give its difference to something near, such as the days to the as-of date, or subtract a constant; a key or a "
    "code is a text. Or leave it out of deal_attribute_features."
)


def as_float32(name: str, values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round a number feature to float32.

    Args:
        name: the feature, for messages.
        values: [N], missing as NaN.

    Raises:
        FeatureError: a value is beyond float32, or distinct values that matter become one.
    """
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    beyond = np.isinf(single) & np.isfinite(values)
    if beyond.any():
        raise FeatureError(f"{name} holds {values[beyond][0]:.6g}, and float32 ends at 3.4e38", HINT)
    known = np.unique(values[np.isfinite(values)])
    if _is_held(known, values):
        return single
    pair = _collapsed(known)
    what = f"{pair[0]:.17g} and {pair[1]:.17g} become one number" if pair else f"{known[-1]:.17g} is rounded"
    raise FeatureError(f"{name} is too large for its spread, float32 cannot tell its values apart: {what}", HINT)


def _is_held(known: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    rounded = known.astype(np.float32)
    if len(known) < 2 or (rounded == known).all():
        return True
    finite = values[np.isfinite(values)]
    low, size, high = np.quantile(finite, 0.05), np.median(np.abs(finite)), np.quantile(finite, 0.95)
    spread = max(float(high - low), float(known.std()))
    step = float(np.spacing(np.float32(size))) / spread
    lost = 1.0 - len(np.unique(rounded)) / len(known)
    if size < EXACT_INTEGERS:
        return lost == 0.0 or step <= COARSE_SMALL
    return step <= COARSE and lost <= MANY


def _collapsed(known: NDArray[np.float64]) -> tuple[float, float] | None:
    same = np.flatnonzero(np.diff(known.astype(np.float32)) == 0)
    return (float(known[same[0]]), float(known[same[0] + 1])) if len(same) else None
