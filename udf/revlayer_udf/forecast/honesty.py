"""Which past as-of dates may judge a model: those after everything it learnt from."""

from collections.abc import Iterable
from datetime import date

from revlayer_udf.forecast.months import month_end, month_number
from revlayer_udf.manifest import Manifest

# Manifest entry: first as-of date whose outcomes no part of the model was fitted to.
FIRST_HONEST_DATE = "test_from_date"
# Manifest entry of a model fitted again with its test period: the version whose figures it carries.
JUDGED_VERSION = "judged_version"


def honest_from(manifests: Iterable[Manifest]) -> date | None:
    """Return the first as-of date that is honest for all models; None where one says nothing of it.

    Without any model every date is honest: the fallbacks use only what was known then.
    """
    first = date.min
    for manifest in manifests:
        stated = manifest.extra.get(FIRST_HONEST_DATE)
        if not isinstance(stated, str):
            return None
        first = max(first, date.fromisoformat(stated))
    return first


def past_month_ends(as_of: date, first: date | None, count: int) -> list[date]:
    """Return up to ``count`` month ends before ``as_of`` and not before ``first``, oldest first."""
    if first is None:
        return []
    latest = month_number(as_of) - 1
    candidates = [month_end(month) for month in range(max(latest - count + 1, 0), latest + 1)]
    return [day for day in candidates if day >= first]
