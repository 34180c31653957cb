"""Errors that say what to do next; one family for all three packages. The command line prints them plainly."""

from revlayer_udf.errors import Busy as BusyError
from revlayer_udf.errors import RevlayerError

__all__ = ["BusyError", "RevlayerError"]
