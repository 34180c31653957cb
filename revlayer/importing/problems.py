"""What stops a whole import, as opposed to one row."""

from revlayer.errors import RevlayerError


class ImportProblem(RevlayerError):  # noqa: N818
    """A mapping or a file that cannot be imported as it is; the message says what to do next."""
