"""Expected purchases as a sum over fixed departure probabilities: the same numbers in Python and in a graph.

Given the probability p of leaving after a purchase and a purchase rate, a customer who is alive makes
(1 - exp(-rate p t)) / p purchases until t. With the rate gamma (r + x, alpha + T) that is

    (1 - (1 + p u)^-(r + x)) / p,    u = t / (alpha + T),

and p is beta (a, b + x) for one who is alive after x repeats. The mean over p, whose closed form is a Gaussian
hypergeometric function (Fader, Hardie and Lee 2005, equation 10), is taken by the trapezoidal rule in the log-odds
of p, which converges exponentially. All terms are positive, so nothing cancels, and b + x enters as (1 - p)^x.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.graph import Graph

Floats = NDArray[np.float64]

# Poles stand at an imaginary distance of pi; half of it is free of growth. The error is about exp(-pi² / step).
_STEP = 0.5
_PER_DEVIATION = 1.0


@dataclass(frozen=True)
class DropoutNodes:
    """Departure probabilities and their prior weights, each [K].

    Attributes:
        log_stay: ln(1 - p), exact also where p is near 1.
    """

    probability: Floats
    log_stay: Floats
    weight: Floats

    @classmethod
    def of(cls, a: float, b: float, most_repeats: float) -> "DropoutNodes":
        """Place nodes for a beta (a, b) prior so that histories up to ``most_repeats`` are covered."""
        step = min(_STEP, _PER_DEVIATION * float(np.sqrt(1 / a + 1 / (b + most_repeats))))
        first, last = np.log(a / (b + most_repeats)), np.log(a / b)
        # Where everything else is constant, or where no history leaves anything of the density.
        low = max(
            min(-np.log1p(most_repeats), first) - 8.0, first - 30 / a - 8 * np.sqrt(1 / a + 1 / (b + most_repeats))
        )
        high = min(max(last, 0.0) + 6.0 + 6.0 / min(max(b, 0.5), 1.0), last + 30 / b + 8 * np.sqrt(1 / a + 1 / b))
        count = int(np.ceil((high - low) / step)) + 1
        odds = low + step * np.arange(count)
        log_leave, log_stay = -np.logaddexp(0.0, -odds), -np.logaddexp(0.0, odds)
        density = a * log_leave + b * log_stay
        weight = np.exp(density - density.max())
        # Beyond the ends the density falls geometrically: the rest of the sum is known.
        weight[0] /= -np.expm1(-a * step)
        weight[-1] /= -np.expm1(-b * step)
        return cls(np.exp(log_leave), log_stay, weight / weight.sum())

    def purchases_while_alive(self, repeats: Floats, rate: Floats, elapsed: Floats) -> Floats:
        """Return purchases expected of customers who are alive, [N].

        Args:
            rate: r + x, [N].
            elapsed: u, the coming time over alpha + T, [N].
        """
        posterior = np.exp(repeats[:, None] * self.log_stay) * self.weight
        made = -np.expm1(-rate[:, None] * np.log1p(elapsed[:, None] * self.probability)) / self.probability
        return np.asarray((posterior * made).sum(axis=1) / posterior.sum(axis=1))

    def add_nodes(self, graph: Graph, repeats: str, rate: str, elapsed: str) -> str:
        """Do the same to float64 tensors [N, 1]; return float64 [N, 1]."""
        one = graph.constant(1.0, np.float64)
        probability = graph.constant(self.probability[None, :], np.float64)
        stayed = graph.add("Exp", graph.add("Mul", repeats, graph.constant(self.log_stay[None, :], np.float64)))
        posterior = graph.add("Mul", stayed, graph.constant(self.weight[None, :], np.float64))
        grown = graph.add("Log", graph.add("Add", one, graph.add("Mul", elapsed, probability)))
        kept = graph.add("Exp", graph.add("Neg", graph.add("Mul", rate, grown)))
        made = graph.add("Div", graph.add("Sub", one, kept), probability)
        axis = graph.constant([1], np.int64)
        total = graph.add("ReduceSum", graph.add("Mul", posterior, made), axis, keepdims=1)
        return graph.add("Div", total, graph.add("ReduceSum", posterior, axis, keepdims=1))
