"""The command line."""

from revlayer.cli.main import main

__all__ = ["main"]
