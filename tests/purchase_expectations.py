"""What a customer's purchases are expected to be, by numerical integration of the model's story, not by its formulas.

A customer alive after x repeats leaves after each further purchase with probability p ~ beta(a, b + x) and purchases at
a rate ~ gamma(r + x, alpha + T): the mean over both of (1 - exp(-rate p t)) / p, in the log-odds of p.
"""

from itertools import pairwise

import numpy as np
from scipy.integrate import quad
from scipy.special import betaln


def alive_probability(repeats, recency, age, r, alpha, a, b):
    """One over one plus the odds that the customer left at the last purchase."""
    if repeats == 0:
        return 1.0
    log_odds = np.log(a / (b + repeats - 1)) + (r + repeats) * np.log((alpha + age) / (alpha + recency))
    return float(np.exp(-np.logaddexp(0.0, log_odds)))


def expected_purchases(horizon, repeats, recency, age, r, alpha, a, b):
    """Integrate over the departure probability."""
    stay, rate, elapsed = b + repeats, r + repeats, horizon / (alpha + age)

    def integrand(odds):
        log_leave, log_stay = -np.logaddexp(0.0, -odds), -np.logaddexp(0.0, odds)
        leave = max(np.exp(log_leave), 1e-290)  # so near to zero the quotient no longer changes
        made = -np.expm1(-rate * np.log1p(elapsed * leave)) / leave
        return np.exp(a * log_leave + stay * log_stay - betaln(a, stay)) * made

    mode, width = np.log(a / stay), np.sqrt(1 / a + 1 / stay)
    inner = sorted({mode + k * width for k in (-4, -1, 0, 1, 4)} | {-np.log1p(rate * elapsed), -np.log1p(elapsed), 0.0})
    low, high = inner[0] - 45 / a - 8 * width, inner[-1] + 45 / stay + 8 * width
    ends = [low, max(low, inner[0] - 50), *inner, min(high, inner[-1] + 50), high]
    parts = [
        quad(integrand, start, end, epsabs=0, epsrel=1e-10, limit=400)[0]
        for start, end in pairwise(ends)
        if end > start
    ]
    return alive_probability(repeats, recency, age, r, alpha, a, b) * float(sum(parts))
