"""What the bodies of the functions call. ``GD`` and ``plpy`` are arguments, so all of it is tested without a server.

``GD`` is the dictionary that PL/Python keeps for the life of a backend; ``plpy`` its access to the database.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

from revlayer_udf.errors import RevlayerError
from revlayer_udf.plpython import sessions


def predict(GD: dict, plpy: Any, model_version: str, arguments: Sequence[Any]) -> Any:  # noqa: N803
    """Score one row.

    Args:
        arguments: one value per feature in the order of the manifest, None where unknown.

    Returns:
        A tuple of predictions; the prediction itself where there is one, as PostgreSQL has no composite of one column.
    """
    try:
        return _unpacked(sessions.predictor(GD, plpy, model_version).row(arguments))
    except RevlayerError as error:
        _report(plpy, error)


def predict_rows(GD: dict, plpy: Any, model_version: str, arrays: Sequence[Any]) -> Any:  # noqa: N803
    """Score N rows at once.

    Args:
        arrays: one list per feature, all of the same length N; None stands for N unknown values.

    Returns:
        A tuple with one list [N] per prediction; the list itself where there is one.
    """
    try:
        return _unpacked(sessions.predictor(GD, plpy, model_version).rows(arrays))
    except RevlayerError as error:
        _report(plpy, error)


def explain(GD: dict, plpy: Any, model_version: str, arguments: Sequence[Any]) -> Any:  # noqa: N803
    """Say why one row gets its score.

    Returns:
        Base score, raw score, then feature and contribution of the three largest, largest first.
    """
    try:
        return sessions.explainer(GD, plpy, model_version).row(arguments)
    except RevlayerError as error:
        _report(plpy, error)


def warm(GD: dict, plpy: Any, model_version: str) -> str:  # noqa: N803
    """Load a model into this backend ahead of its first call, for a pool that opens connections early."""
    try:
        sessions.predictor(GD, plpy, model_version)
    except RevlayerError as error:
        _report(plpy, error)
    return model_version


def _unpacked(values: tuple[Any, ...]) -> Any:
    return values if len(values) > 1 else values[0]


def _report(plpy: Any, error: RevlayerError) -> NoReturn:
    """Raise as a database error, message and hint apart, of the state that ``raise exception`` has."""
    hint = {} if error.hint is None else {"hint": error.hint}
    plpy.error(error.message, sqlstate="P0001", **hint)
    raise error  # plpy.error does not return
