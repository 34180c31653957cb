"""Billing of the simulated company: what its won deals turn into. Described in docs/simulator.md."""

from revlayer.simulator.billing.generation import generate_billing
from revlayer.simulator.billing.wins import Wins, concatenate_wins, wins_of

__all__ = ["Wins", "concatenate_wins", "generate_billing", "wins_of"]
