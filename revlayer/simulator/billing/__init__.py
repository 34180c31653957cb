"""Billing of the simulated company: what its won deals turn into. Described in docs/simulator.md."""

from revlayer.simulator.billing.bill import Contracts, draw_contracts
from revlayer.simulator.billing.generation import chunks, generate_billing
from revlayer.simulator.billing.wins import Wins, concatenate_wins, wins_of

__all__ = ["Contracts", "Wins", "chunks", "concatenate_wins", "draw_contracts", "generate_billing", "wins_of"]
