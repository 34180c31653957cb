"""A simulated company with known truth. The model is described in docs/simulator.md."""

from revlayer.simulator.load import SimulationSummary, simulate

__all__ = ["SimulationSummary", "simulate"]
