"""Expected amount where many amounts are zero: the probability of any times the mean of a log-normal.

E = p × exp(mu + sigma² / 2), with p = sigmoid(margin), after Wang, Liu and Miao (2019), "A deep probabilistic model
for customer lifetime value prediction"; sigma is one number, fitted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from revlayer_training.graph import Graph

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ZeroInflatedLogNormal:
    """The head over two scores: log-odds that there is an amount, and the mean of its logarithm."""

    sigma: float

    @classmethod
    def fit(cls, mu: Floats, amount: Floats) -> "ZeroInflatedLogNormal":
        """Take sigma from the log residuals of rows with an amount; without any it is 0.

        Args:
            mu: predicted means of the logarithm [N], of rows they were not fitted on.
            amount: [N], zero or above.
        """
        paid = amount > 0
        if not paid.any():
            return cls(0.0)
        return cls(float(np.sqrt(np.mean((np.log(amount[paid]) - mu[paid]) ** 2))))

    def apply(self, margin: Floats, mu: Floats) -> Floats:
        """Return expected amounts [N]."""
        with np.errstate(over="ignore"):
            return np.asarray(expit(margin) * np.exp(mu + self.sigma**2 / 2))

    def add_nodes(self, graph: Graph, margin: str, mu: str) -> str:
        """Return expected amounts [N, 1] for tensors [N, 1]."""
        raised = graph.add("Add", mu, graph.constant(self.sigma**2 / 2))
        return graph.add("Mul", graph.add("Sigmoid", margin), graph.add("Exp", raised))
