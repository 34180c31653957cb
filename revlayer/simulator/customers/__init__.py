"""Customers of the simulated company: users of its accounts, and shoppers. Described in docs/simulator.md."""

from revlayer.simulator.customers.generation import generate_customers
from revlayer.simulator.customers.parameters import CustomerParameters, fingerprint

__all__ = ["CustomerParameters", "fingerprint", "generate_customers"]
