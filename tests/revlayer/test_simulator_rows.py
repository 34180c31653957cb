"""What the rows of a simulated company must satisfy, whatever the seed."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from revlayer.simulator import generation
from revlayer.simulator.generation import generate

END = date(2025, 6, 30)
END_AT = datetime(2025, 7, 1, tzinfo=UTC)
Company = dict[str, pa.Table]


def make(deals: int = 1_500, seed: int = 1, months: int = 24) -> Company:
    parts: dict[str, list[pa.Table]] = {}
    for name, table in generate(deals, seed, months, END):
        parts.setdefault(name, []).append(table)
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


@pytest.fixture(scope="module", params=[1, 9])
def company(request: pytest.FixtureRequest) -> Company:
    return make(seed=request.param)


def by_deal(company: Company, field: str) -> dict[str, list[dict]]:
    """Change rows of one field by deal, in order."""
    changes = company["raw.deal_changes"]
    found: dict[str, list[dict]] = {}
    for row in changes.filter(pc.equal(changes["field_name"], field)).to_pylist():
        found.setdefault(row["deal_source_id"], []).append(row)
    return found


def test_same_arguments_same_rows() -> None:
    first, second = make(deals=400), make(deals=400)
    assert first.keys() == second.keys()
    assert all(first[name].equals(second[name]) for name in first)


def test_another_seed_is_another_company() -> None:
    assert not make(deals=400)["raw.deals"].equals(make(deals=400, seed=2)["raw.deals"])


@pytest.mark.parametrize("arguments", [{"deals": 10}, {"deals": 10**8}, {"seed": -1}])
def test_sizes_out_of_range_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"deals|seed"):
        make(**arguments)


def test_keys_are_unique(company: Company) -> None:
    for name, table in company.items():
        if "source_id" in table.column_names and not name.startswith("raw.entity_"):
            assert pc.count_distinct(table["source_id"]).as_py() == table.num_rows, name


def test_keys_stay_unique_over_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "CHUNK_DEALS", 300)
    company = make(deals=1_000)
    assert company["raw.deals"].num_rows == 1_000
    test_keys_are_unique(company)


def test_every_deal_starts_in_the_first_stage_at_its_creation(company: Company) -> None:
    stages = by_deal(company, "stage")
    for deal in company["raw.deals"].to_pylist():
        first = stages[deal["source_id"]][0]
        assert (first["old_value"], first["new_value"]) == (None, "S1")
        assert first["occurred_at"] == deal["occurred_at"]


def test_each_change_follows_the_one_before(company: Company) -> None:
    last: dict[tuple[str, str], tuple[str, datetime]] = {}
    for row in company["raw.deal_changes"].to_pylist():
        key = row["deal_source_id"], row["field_name"]
        value, at = last.get(key, (None, row["occurred_at"]))
        assert row["old_value"] == value != row["new_value"]
        assert row["occurred_at"] >= at
        last[key] = row["new_value"], row["occurred_at"]


def test_current_state_is_the_last_change(company: Company) -> None:
    columns = {"stage": "stage_source_id", "owner": "owner_source_id", "amount": "amount",
               "expected_close_on": "expected_close_on", "has_budget": "has_budget"}  # fmt: skip
    deals = {row["source_id"]: row for row in company["raw.deals"].to_pylist()}
    for field, column in columns.items():
        changes = by_deal(company, field)
        for source_id, deal in deals.items():
            rows = changes.get(source_id)
            assert deal[column] == (rows[-1]["new_value"] if rows else None)


def test_stage_moves_are_legal_and_won_is_final(company: Company) -> None:
    legal = {("S7", "S3"), ("S5", "S6")}
    legal |= {(f"S{k}", f"S{k + 1}") for k in range(1, 5)} | {(f"S{k}", f"S{k - 1}") for k in range(2, 6)}
    legal |= {(f"S{k}", "S7") for k in range(1, 6)}
    for rows in by_deal(company, "stage").values():
        moves = [(row["old_value"], row["new_value"]) for row in rows[1:]]
        assert set(moves) <= legal
        assert sum(old == "S7" for old, _ in moves) <= 1


def test_closed_deals_and_only_they_have_a_closing_time(company: Company) -> None:
    stages = by_deal(company, "stage")
    for deal in company["raw.deals"].to_pylist():
        last = stages[deal["source_id"]][-1]
        is_closed = last["new_value"] in ("S6", "S7")
        assert deal["closed_at"] == (last["occurred_at"] if is_closed else None)
        if last["new_value"] == "S6":
            assert deal["amount"] is not None


def test_nothing_is_known_after_the_end(company: Company) -> None:
    for name, table in company.items():
        for column in ("occurred_at", "recorded_at", "deleted_at", "closed_at", "observed_at"):
            if column in table.column_names and table[column].null_count < table.num_rows:
                assert pc.max(table[column]).as_py() < END_AT, (name, column)


@pytest.mark.parametrize("name", ["raw.deal_changes", "raw.activities"])
def test_some_rows_are_recorded_late_by_up_to_two_weeks(company: Company, name: str) -> None:
    table = company[name]
    lag = np.array(pc.subtract(table["recorded_at"], table["occurred_at"]).cast(pa.int64()))
    assert lag.min() >= 0
    assert lag.max() <= timedelta(days=28).total_seconds()
    assert 0.005 < (lag > 0).mean() < 0.15


def test_activities_lie_between_creation_and_closing(company: Company) -> None:
    deals = {row["source_id"]: row for row in company["raw.deals"].to_pylist()}
    for row in company["raw.activities"].to_pylist():
        deal = deals.get(row["deal_source_id"])
        if deal is not None:
            assert deal["occurred_at"] <= row["occurred_at"]
            assert deal["closed_at"] is None or row["occurred_at"] <= deal["closed_at"]


def test_truth_covers_exactly_the_open_deals(company: Company) -> None:
    truth = company["truth.deal_win_probability"]
    at = truth.filter(pc.equal(truth["as_of_date"], END))["deal_id"].to_pylist()
    merged = {row["source_id"] for row in company["raw.entity_links"].to_pylist()}
    deleted = {source_id for source_id, rows in by_deal(company, "is_deleted").items()
               if rows[-1]["new_value"] == "true"}  # fmt: skip
    still_open = {
        row["source_id"] for row in company["raw.deals"].to_pylist() if row["closed_at"] is None
    } - merged - deleted  # fmt: skip
    assert {deal_id.removeprefix("simulator:") for deal_id in at} == still_open
    assert len(at) == len(still_open) > 50


def test_dirt_is_there() -> None:
    company = make(deals=4_000)
    deals = company["raw.deals"]
    for column in ("account_source_id", "lead_score", "amount", "has_champion"):
        assert 0 < deals[column].null_count < deals.num_rows / 3
    deleted = by_deal(company, "is_deleted")
    assert any(len(rows) == 3 for rows in deleted.values()), "restored"
    assert deals["deleted_at"].null_count == sum(r["deleted_at"] is None for r in deals.to_pylist())
    assert any(rows[-1]["new_value"] == "true" for rows in deleted.values())
    assert company["raw.entity_links"].num_rows > 0
    stages = by_deal(company, "stage").values()
    assert any(row["old_value"] == "S7" for rows in stages for row in rows), "reopened"
    assert any(len(rows) > 1 for rows in by_deal(company, "currency_code").values())


def test_the_rare_currency_lacks_rates() -> None:
    company = make(deals=200)
    days: dict[str, list[str]] = {}
    for row in company["raw.exchange_rates"].to_pylist():
        days.setdefault(row["from_currency_code"], []).append(row["rate_on"])
    assert set(days) == {"EUR", "GBP", "CHF"}
    assert min(days["CHF"]) > min(days["EUR"]) < "2023-07-01"
    assert len(days["CHF"]) < len(days["EUR"]) == len(days["GBP"])


def test_merged_deals_pass_from_their_own_identity_to_another(company: Company) -> None:
    links = company["raw.entity_links"].to_pylist()
    for before, after in zip(links[::2], links[1::2], strict=True):
        assert before["canonical_id"] == f"simulator:{before['source_id']}"
        assert after["canonical_id"] != before["canonical_id"]
        assert before["valid_to"] == after["valid_from"]


def test_company_grows_and_has_seasons() -> None:
    created = make(deals=20_000, months=36)["raw.deals"]["occurred_at"]
    years = np.array(pc.year(created))
    summer = np.isin(np.array(pc.month(created)), (7, 8))
    assert (years == 2024).sum() > (years == 2023).sum()
    assert summer.mean() < 0.95 * 2 / 12
