"""Models as they would have been: fitted again at past dates with what was known then, never registered."""

from collections.abc import Callable
from datetime import date

import psycopg

from revlayer_training.datasets import load_dataset
from revlayer_training.outcome import NothingToLearnError
from revlayer_training.training import TRAINED, make_manifest
from revlayer_udf.forecast.months import month_number
from revlayer_udf.forecast.reading import TARGETS, Served, loaded
from revlayer_udf.registry import Model

Progress = Callable[[str, int, int], None]


def fit_served(conn: psycopg.Connection, cutoff: date, *, max_rows: int | None = None, seed: int = 1) -> Served:
    """Fit the forecast's models as training does on that day; what would serve is used, what would not is not.

    Args:
        cutoff: nothing that became known after this day is used.
        max_rows: learn from a sample of whole deals of about this many rows.
    """
    data = load_dataset(conn, cutoff, max_rows=max_rows, seed=seed)
    models: dict[str, Model] = {}
    judged: dict[str, Model] = {}
    for target in TARGETS:
        try:
            outcome = TRAINED[target].fit(data, cutoff, seed)
        except NothingToLearnError:
            continue  # the forecast's fallback serves, as it would have
        for found, artefact in ((models, outcome.served), (judged, outcome.judged)):
            if artefact is not None:
                found[target] = Model(make_manifest(outcome, artefact, data, cutoff), artefact.content)
    return loaded(models, judged)


def refitted(
    conn: psycopg.Connection, first: date, every_months: int, max_rows: int | None, progress: Progress
) -> Callable[[date], Served]:
    """Return what serves at a date, where models are fitted at the first date and then every so many months.

    Dates are to be asked for in their order: the models of the last fitting serve until the next.
    """
    state: dict[str, tuple[int, Served]] = {}

    def served_at(as_of: date) -> Served:
        due = (month_number(as_of) - month_number(first)) // every_months
        if "now" not in state or state["now"][0] != due:
            progress(f"fitting as of {as_of}", 0, 0)
            state["now"] = due, fit_served(conn, as_of, max_rows=max_rows)
        return state["now"][1]

    return served_at
