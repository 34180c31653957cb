"""Errors that say what to do next; one family for all three packages."""

from revlayer_udf.errors import Busy as BusyError
from revlayer_udf.errors import RevlayerError

__all__ = ["BusyError", "RevlayerError", "WrongUseError"]


class WrongUseError(RevlayerError):
    """A command was given what does not exist; trying again changes nothing."""

    exit_code = 2
