"""Time-series forecasts as a step of a run: skipped, with the reason, where there is nothing to learn from."""

from datetime import date
from typing import TYPE_CHECKING

from revlayer.config import Settings
from revlayer.database import connect
from revlayer.errors import RevlayerError

if TYPE_CHECKING:
    from revlayer.pipeline import Progress
    from revlayer_training.series import SeriesSummary

NEEDS = "pip install 'revlayer[training]'"


def forecast(settings: Settings, as_of: date, horizon: int, progress: "Progress") -> "SeriesSummary":
    """Forecast every measure by segment and publish it.

    Raises:
        RevlayerError: the libraries that forecast are not installed.
    """
    try:
        from revlayer_training.series import forecast_series
    except ModuleNotFoundError as missing:
        raise RevlayerError(f"time series need {missing.name}, which is not installed", f"Run: {NEEDS}") from None
    with connect(settings, "scorer") as conn:
        return forecast_series(conn, as_of, horizon=horizon, progress=progress)


def step(settings: Settings, as_of: date, horizon: int, progress: "Progress") -> list[str]:
    """Do the same within a run, where a host without the libraries goes on without these forecasts."""
    try:
        made = forecast(settings, as_of, horizon, progress)
    except RevlayerError as error:
        if error.hint and NEEDS in error.hint:
            return [f"skipped: {error.message} ({NEEDS})"]
        raise
    return sentences(made)


def sentences(made: "SeriesSummary") -> list[str]:
    """Say what was published, and what was not and why."""
    if made.run_id is None:
        return ["skipped", *made.notes]
    served = ", ".join(f"{measure} by {method.replace('_', ' ')}" for measure, method in made.served.items())
    return [f"{made.row_count:,} rows; {served}", *made.notes]
