"""Installs of the simulated company's app, with the law of their revenue. Described in docs/simulator.md."""

from revlayer.simulator.installs.generation import generate_installs
from revlayer.simulator.installs.parameters import InstallParameters, fingerprint

__all__ = ["InstallParameters", "fingerprint", "generate_installs"]
