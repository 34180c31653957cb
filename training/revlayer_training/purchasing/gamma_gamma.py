"""Gamma-Gamma: the mean value of a customer's purchases.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value". Purchases are gamma with shape p and a rate
that is gamma (q, gamma) over customers, independent of how often they purchase.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from revlayer_training.purchasing.maximum import maximise

Floats = NDArray[np.float64]

# p and q; gamma starts where the model's mean is the customers' mean.
_STARTS = ((6.0, 4.0), (1.0, 2.0), (20.0, 1.5), (2.0, 10.0))
# With q of 1 or less the mean of all customers is infinite, and with it what a newcomer is expected to spend.
_LOWEST = (1e-5, 1.01, 1e-5)


@dataclass(frozen=True)
class GammaGamma:
    """Fitted parameters; ``log_likelihood`` is of the customers it was fitted on."""

    p: float
    q: float
    gamma: float
    log_likelihood: float = float("nan")

    @classmethod
    def fit(cls, purchases: Floats, mean_value: Floats) -> "GammaGamma":
        """Fit by maximum likelihood.

        Args:
            purchases: how many purchases each mean is of, [N]; rows without any are left out.
            mean_value: mean value of them, [N]; rows not above zero are left out, as the model knows none.

        Raises:
            ValueError: no row is left.
        """
        kept = (purchases > 0) & (mean_value > 0) & np.isfinite(mean_value)
        if not kept.any():
            raise ValueError("no customer has a purchase above zero")
        x, mean = np.asarray(purchases[kept], np.float64), np.asarray(mean_value[kept], np.float64)
        # Amounts are counted in their own mean, so that every currency begins alike.
        unit = float(mean.mean())
        starts = [(p, q, max(q - 1, 0.1) / p) for p, q in _STARTS]
        (p, q, gamma), best = maximise(lambda values: _negative(values, x, mean / unit), starts, _LOWEST)
        return cls(float(p), float(q), float(gamma * unit), best - len(x) * float(np.log(unit)))

    @property
    def population_mean(self) -> float:
        """Mean value over all customers; with q of 1 or less it is infinite."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else float("inf")

    def expected_value(self, purchases: Floats, mean_value: Floats) -> Floats:
        """Return the mean value of a customer's future purchases, [N].

        The customer's own mean and the population's, weighted by p x and q - 1. A mean below zero (refunds above
        purchases) counts as zero; where q is not above 1 a customer without a purchase gets the model's mode.
        """
        x = np.asarray(purchases, np.float64)
        total = np.where(x > 0, x * np.maximum(np.where(x > 0, mean_value, 0.0), 0.0), 0.0)
        below = self.p * x + self.q - 1
        return np.asarray(self.p * (self.gamma + total) / np.where(below > 0, below, self.p * x + self.q + 1))


def _negative(parameters: Floats, x: Floats, mean: Floats) -> tuple[float, Floats]:
    """Return the negative log-likelihood, equation (1a) of the note, and its gradient."""
    p, q, gamma = parameters
    shape = p * x
    log_total = np.log(gamma + x * mean)
    log_own = np.log(x * mean)
    value = (
        gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(gamma)
        + shape * log_own - np.log(mean) - (shape + q) * log_total
    )  # fmt: skip
    common = digamma(shape + q)
    by_p = x * (common - digamma(shape) + log_own - log_total)
    by_q = common - digamma(q) + np.log(gamma) - log_total
    by_gamma = q / gamma - (shape + q) / (gamma + x * mean)
    return -float(value.sum()), -np.array([by_p.sum(), by_q.sum(), by_gamma.sum()])
