"""The law of an install's revenue: with a probability it pays, and then a log-normal amount.

Mean = p x exp(mu) x smearing, the mean of exp(residual) (Duan 1983), which the log-normal makes exp(sigma^2 / 2).
The quantile q is 0 where 1 - p >= q, else that of a payer at 1 - (1 - q) / p, after Wang, Liu and Miao (2019),
"A deep probabilistic model for customer lifetime value prediction".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from revlayer_training.graph import Graph

Floats = NDArray[np.float64]

OUTPUTS = ("payer_probability", "revenue", "revenue_p50", "revenue_p90", "revenue_p99")
QUANTILES = (0.5, 0.9, 0.99)
# Of payers: below this share of them the quantile falls to 0 in a straight line, so that it has no step.
_LEAST_SHARE = 0.05
# The normal quantile as 4.91 (u^0.14 - (1 - u)^0.14), to 0.003 within 0.05 and 0.99 (Shore's form).
_FACTOR, _POWER = 4.91, 0.14


@dataclass(frozen=True)
class RevenueLaw:
    """How amounts of payers spread around exp(mu).

    Attributes:
        shift: added to the predicted mu.
        sigma: standard deviation of the log residuals.
        smearing: mean amount over exp(mu).
    """

    shift: float
    sigma: float
    smearing: float

    @classmethod
    def fit(cls, mu: Floats, amount: Floats) -> "RevenueLaw":
        """Take all three from payers that mu was not fitted on.

        Args:
            mu: predicted means of the logarithm [N].
            amount: [N], above zero.
        """
        if not len(amount):
            return cls(0.0, 0.0, 1.0)
        residual = np.log(amount) - mu
        shift = float(residual.mean())
        centre = np.exp(mu + shift)
        return cls(
            float(np.float32(shift)), float(np.float32(residual.std())),
            float(np.float32(amount.sum() / centre.sum())),
        )  # fmt: skip

    def apply(self, margin: Floats, mu: Floats) -> dict[str, Floats]:
        """Return every output [N] for log-odds of paying and means of the logarithm."""
        p, centre = expit(margin), np.exp(mu + self.shift)
        quantiles = [self._quantile(1 + np.exp(-margin), centre, q) for q in QUANTILES]
        return dict(zip(OUTPUTS, (p, p * centre * self.smearing, *quantiles), strict=True))

    def add_nodes(self, graph: Graph, margin: str, mu: str) -> dict[str, str]:
        """Return every output [N, 1] for tensors [N, 1]."""
        # The operator Sigmoid is 1e-7 off, of a small p too much for the quantiles.
        odds = graph.add("Add", graph.add("Exp", graph.add("Neg", margin)), graph.constant(1.0))
        p = graph.add("Reciprocal", odds)
        centre = graph.add("Exp", graph.add("Add", mu, graph.constant(self.shift)))
        mean = graph.add("Mul", graph.add("Mul", p, centre), graph.constant(self.smearing))
        quantiles = [self._quantile_nodes(graph, odds, centre, q) for q in QUANTILES]
        return dict(zip(OUTPUTS, (p, mean, *quantiles), strict=True))

    def _quantile(self, odds: Floats, centre: Floats, q: float) -> Floats:
        beyond = np.minimum((1 - q) * odds, 1.0)
        inside = np.minimum(beyond, 1 - _LEAST_SHARE)
        z = _FACTOR * ((1 - inside) ** _POWER - inside**_POWER)
        return np.asarray(centre * np.exp(self.sigma * z) * np.minimum((1 - beyond) / _LEAST_SHARE, 1.0))

    def _quantile_nodes(self, graph: Graph, odds: str, centre: str, q: float) -> str:
        one, power = graph.constant(1.0), graph.constant(_POWER)
        beyond = graph.add("Min", graph.add("Mul", odds, graph.constant(1 - q)), one)
        inside = graph.add("Min", beyond, graph.constant(1 - _LEAST_SHARE))
        upper = graph.add("Pow", graph.add("Sub", one, inside), power)
        z = graph.add("Sub", upper, graph.add("Pow", inside, power))
        stretched = graph.add("Exp", graph.add("Mul", z, graph.constant(self.sigma * _FACTOR)))
        share = graph.add("Div", graph.add("Sub", one, beyond), graph.constant(_LEAST_SHARE))
        return graph.add("Mul", graph.add("Mul", centre, stretched), graph.add("Min", share, one))
