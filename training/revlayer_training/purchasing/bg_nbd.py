"""BG/NBD: how often a customer purchases and whether they still do.

Fader, Hardie and Lee (2005), "Counting Your Customers the Easy Way: An Alternative to the Pareto/NBD Model",
Marketing Science 24 (2). While alive a customer purchases at a Poisson rate, gamma (r, alpha) over customers, and
after each purchase leaves with a probability that is beta (a, b) over customers. Time is in weeks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln

from revlayer_training.purchasing.histories import Histories
from revlayer_training.purchasing.maximum import maximise
from revlayer_training.purchasing.quadrature import DropoutNodes

Floats = NDArray[np.float64]

# r, a and b; alpha starts at r times the mean age, which is one purchase an age.
_STARTS = ((0.3, 0.8, 2.5), (1.0, 1.0, 1.0), (0.1, 0.1, 3.0), (3.0, 0.3, 1.0))
_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True)
class BgNbd:
    """Fitted parameters.

    Attributes:
        log_likelihood: of the customers it was fitted on.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")

    @classmethod
    def fit(cls, histories: Histories) -> "BgNbd":
        """Fit by maximum likelihood.

        Raises:
            ValueError: nobody's history has any length, or nobody repeated: rate and departure cannot be told apart.
        """
        if not (histories.repeats.any() and histories.age.any()):
            raise ValueError("no customer purchased twice: a purchase rate cannot be estimated")
        distinct, _ = histories.distinct()
        age = float(np.average(distinct.age, weights=distinct.customers))
        starts = [(r, r * age, a, b) for r, a, b in _STARTS]
        (r, alpha, a, b), best = maximise(lambda values: _negative(values, distinct), starts)
        return cls(float(r), float(alpha), float(a), float(b), best)

    def log_likelihood_of(self, histories: Histories) -> float:
        """Return the log-likelihood of other customers."""
        return -_negative(np.array([self.r, self.alpha, self.a, self.b]), histories)[0]

    def alive_probability(self, histories: Histories) -> Floats:
        """Return the probabilities that the customers have not left, [N]; 1 without a repeat, by the model."""
        return expit(-_log_odds_left(self.r, self.alpha, self.a, self.b, histories))

    def expected_purchases(self, histories: Histories, weeks: float) -> Floats:
        """Return purchases expected in the next ``weeks``, [N]."""
        distinct, index = histories.distinct()
        nodes = DropoutNodes.of(self.a, self.b, float(distinct.repeats.max(initial=0.0)))
        rates = self.r + distinct.repeats
        elapsed = weeks / (self.alpha + distinct.age)
        parts = [
            nodes.purchases_while_alive(distinct.repeats[rows], rates[rows], elapsed[rows])
            for rows in np.array_split(np.arange(len(distinct)), len(distinct) // _ROWS_AT_ONCE + 1)
        ]
        return np.asarray((np.concatenate(parts) * self.alive_probability(distinct))[index])


def _log_odds_left(r: float, alpha: float, a: float, b: float, histories: Histories) -> Floats:
    """Return ln of P(left) / P(alive), [N]; minus infinity without a repeat."""
    x = histories.repeats
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(a) - np.log(b + x - 1) + (r + x) * np.log(
            (alpha + histories.age) / (alpha + histories.recency)
        )  # fmt: skip
    return np.where(x > 0, odds, -np.inf)


def _negative(parameters: Floats, histories: Histories) -> tuple[float, Floats]:
    """Return the negative log-likelihood, equation (6) of the paper, and its gradient."""
    r, alpha, a, b = parameters
    x, weight = histories.repeats, histories.customers
    odds = _log_odds_left(r, alpha, a, b, histories)
    left = expit(odds)
    alive = 1 - left
    log_age, log_recency = np.log(alpha + histories.age), np.log(alpha + histories.recency)
    value = (
        gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        + gammaln(a + b) - gammaln(a + b + x) + gammaln(b + x) - gammaln(b)
        - (r + x) * log_age + np.logaddexp(0.0, odds)
    )  # fmt: skip
    common = digamma(a + b) - digamma(a + b + x)
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - alive * log_age - left * log_recency
    by_alpha = r / alpha - (r + x) * (alive / (alpha + histories.age) + left / (alpha + histories.recency))
    by_a = common + left / a
    by_b = common + digamma(b + x) - digamma(b) - left / np.where(x > 0, b + x - 1, 1.0)
    gradient = np.array([(weight * part).sum() for part in (by_r, by_alpha, by_a, by_b)])
    return -float((weight * value).sum()), -gradient
