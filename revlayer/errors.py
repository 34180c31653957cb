"""Errors that say what to do next. The command line prints them without a traceback."""


class RevlayerError(Exception):
    """Something the user can mend.

    Args:
        message: what is wrong.
        hint: what to do next; a command where there is one.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n{hint}")
        self.message = message
        self.hint = hint


class BusyError(RevlayerError):
    """Another run holds the lock. Schedulers may try again: exit code 75 (EX_TEMPFAIL)."""

    exit_code = 75
