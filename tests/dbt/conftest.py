"""Builds of the feature models on databases of their own."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from revlayer import dbt

OF_DEALS = (
    "+ftr_deals",
    "+lbl_deals",
    "+lbl_deal_closings",
    "+lbl_deal_removals",
    "+dim_segment",
    "+dim_date",
    "+int_exchange_rates_missing",
)


@pytest.fixture(scope="session")
def build_features(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dbt.DbtResult]:
    """Return a function that builds what deals need: their features and labels, what these read, and the calendar."""

    def build(database, as_of: str, variables: Mapping[str, object] | None = None):
        return dbt.run(
            database.settings,
            ["run", "--select", *OF_DEALS],
            {"as_of_date": as_of, **(variables or {})},
            target_path=tmp_path_factory.mktemp("target"),
        )

    return build


@pytest.fixture(scope="session")
def statements() -> Callable[[str], dict[str, str]]:
    """Return a function that reads the named statements of a .sql file beside the tests."""

    def read(name: str) -> dict[str, str]:
        parts = (Path(__file__).parent / name).read_text(encoding="utf-8").split("-- name: ")[1:]
        return {part.split("\n", 1)[0].strip(): part.split("\n", 1)[1].strip() for part in parts}

    return read
