"""Errors of the online side: what is wrong, and what to do next."""


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


class Busy(RevlayerError):  # noqa: N818
    """Another run holds the lock. Schedulers may try again: exit code 75 (EX_TEMPFAIL)."""

    exit_code = 75


class FrameError(RevlayerError):
    """A query's result or a frame holds what COPY and Arrow cannot exchange."""


class ArtefactError(RevlayerError):
    """An artefact is tampered with, malformed or at odds with its manifest."""


class UnsupportedOperator(ArtefactError):  # noqa: N818
    """A graph that has no translation to SQL.

    Args:
        operator: name of the operator, or of what else cannot be translated.
        reason: what of it.
    """

    def __init__(self, operator: str, reason: str) -> None:
        super().__init__(
            f"{operator} cannot be compiled to SQL: {reason}",
            "Score the model by the job (revlayer score) or by PL/Python, or export it without that operator.",
        )
        self.operator = operator


class FeatureError(RevlayerError):
    """A feature the model needs is missing from the table or has another type."""


class PredictionError(RevlayerError):
    """A model returned what may not be published, such as NaN."""


class RegistryError(RevlayerError):
    """A model is unknown, or a change of its status is refused."""


class UnknownModel(RegistryError):  # noqa: N818
    """No model has the name: wrong use."""

    exit_code = 2


class NoChampion(RegistryError):  # noqa: N818
    """No model serves the target."""


class PlpythonError(RevlayerError):
    """A server cannot run functions in PL/Python, or may not be given any."""
