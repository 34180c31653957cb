"""Training rows of installs: features at one age, joined with what the install paid until the end of its window."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from revlayer_training.features import Days, Features, days_of, feature_columns
from revlayer_training.training_rows import read_rows
from revlayer_udf.targets import INSTALL

Floats = NDArray[np.float64]

TEXT_FEATURES = (
    "app_name", "country_code", "region_code", "install_source", "campaign_name", "platform", "device_family",
    "os_version",
)  # fmt: skip
# Country and platform: the baseline and the lower rungs of the ladder read it.
HELPER_TEXTS = ("segment_id",)


@dataclass(frozen=True)
class InstallDataset(Features):
    """Installs, columns of equal length N; the date of a row is the day its features were taken.

    Attributes:
        revenue: paid from then until the end of the window, reporting currency; NaN while that was not known by the
            cutoff.
        revenue_known_on: from when it is known, else NaT.
    """

    revenue: Floats
    revenue_known_on: Days


def load_installs(
    conn: psycopg.Connection, cutoff: date, *, max_rows: int | None = None, seed: int = 1
) -> InstallDataset:
    """Read installs that had reached their age by the cutoff; empty where nothing was built.

    Args:
        cutoff: features and labels after it are not read.
        max_rows: sample installs, chosen by a hash of their id, down to about this many.
        seed: varies the sample.
    """
    read = read_rows(conn, "installs", cutoff, TEXT_FEATURES, HELPER_TEXTS, max_rows, seed)
    return empty() if read is None else from_arrow(read.table, read.numbers, read.texts)


def from_arrow(table: pa.Table, number_features: tuple[str, ...], text_features: tuple[str, ...]) -> InstallDataset:
    """Build a dataset from the columns that ``training_rows`` selects.

    Raises:
        FeatureError: float32 cannot hold a number feature.
    """
    return InstallDataset(
        **feature_columns(table, INSTALL.key, number_features, text_features, HELPER_TEXTS),
        revenue=np.asarray(table["revenue"].to_numpy(), np.float64),
        revenue_known_on=days_of(table["revenue_known_on"]),
    )


def empty() -> InstallDataset:
    """Return a dataset without rows or features."""
    texts, days = pa.array([], pa.string()), pa.array([], pa.date32())
    columns = {"install_id": texts, "segment_id": texts, "as_of_date": days}
    columns |= {"revenue": pa.array([], pa.float64()), "revenue_known_on": days}
    return from_arrow(pa.table(columns), (), ())
