"""Maximum likelihood of positive parameters: gradient ascent in their logarithms from several starts."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
# Value and gradient of the negative log-likelihood, by the parameters themselves.
Objective = Callable[[Floats], tuple[float, Floats]]

# Outside of these the likelihood is flat: what the data cannot tell apart stays finite.
SMALLEST, LARGEST = 1e-5, 1e5


def maximise(
    negative: Objective, starts: Sequence[Sequence[float]], lowest: Sequence[float] | None = None
) -> tuple[Floats, float]:
    """Return the parameters with the highest log-likelihood found, and that log-likelihood.

    Args:
        negative: the sum over customers and its gradient.
        starts: where to begin, each with all parameters.
        lowest: smallest value of each parameter that means anything.
    """

    def by_logarithms(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        value, gradient = negative(parameters)
        return value, gradient * parameters

    least = [SMALLEST] * len(starts[0]) if lowest is None else lowest
    bounds = [(np.log(low), np.log(LARGEST)) for low in least]
    found = [
        minimize(
            by_logarithms, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-7},
        )
        for start in starts
    ]  # fmt: skip
    best = min(found, key=lambda result: result.fun)
    return np.exp(best.x), -float(best.fun)
