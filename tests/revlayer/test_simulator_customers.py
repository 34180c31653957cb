"""What the customers of a simulated company, their use and tickets must satisfy, whatever the seed."""

from collections import Counter, defaultdict
from datetime import date, timedelta

import pyarrow.compute as pc
import pytest
from simulated_tables import END, END_AT, Company, large_company, make, small_company

from revlayer.simulator.billing import generation as billing_generation
from revlayer.simulator.customers import CustomerParameters, fingerprint
from revlayer.simulator.customers import generation as customer_generation

#: Changing a parameter changes every simulated company: do it with a line in DECISIONS.md.
FROZEN = "8343a47f388346119e8877eb22d390434fb80896f8a36e1708d5697a85976ec8"
TABLES = ("customers", "customer_changes", "usage_events", "daily_usage", "sessions", "tickets", "ticket_changes",
          "orders", "order_changes", "order_lines")  # fmt: skip
Rows = list[dict]


@pytest.fixture(scope="module", params=[1, 9])
def company(request: pytest.FixtureRequest) -> Company:
    return small_company(request.param)


@pytest.fixture(scope="module")
def large() -> Company:
    return large_company()


def day_of(text: str | None) -> date:
    return date.max if text is None else date.fromisoformat(text[:10])


def subscriptions_by_item(company: Company) -> dict[str, dict]:
    rows = {row["source_id"]: row for row in company["subscriptions"].to_pylist()}
    items = company["subscription_items"].select(["source_id", "subscription_source_id"]).to_pylist()
    return {item["source_id"]: rows[item["subscription_source_id"]] for item in items}


def test_parameters_are_frozen() -> None:
    assert fingerprint(CustomerParameters()) == FROZEN


def test_same_arguments_same_rows() -> None:
    first, second = make(deals=400, shoppers=300), make(deals=400, shoppers=300)
    assert all(first[name].equals(second[name]) for name in first)
    assert not make(deals=400, shoppers=300, seed=2)["orders"].equals(first["orders"])


def test_customers_leave_the_rows_of_crm_and_billing_as_they_were() -> None:
    without, company = make(deals=400, shoppers=None), make(deals=400)
    of_deals = company["entity_links"].filter(pc.equal(company["entity_links"]["entity"], "deal"))
    assert of_deals.num_rows < company["entity_links"].num_rows
    assert all((of_deals if name == "entity_links" else company[name]).equals(without[name]) for name in without)
    assert company.keys() - without.keys() >= set(TABLES)


def test_more_shoppers_leave_the_users_as_they_are(company: Company) -> None:
    alone = make(deals=400, shoppers=0)
    among = make(deals=400, shoppers=200)
    assert among["daily_usage"].equals(alone["daily_usage"])
    assert among["customers"].slice(0, alone["customers"].num_rows).equals(alone["customers"])


@pytest.mark.parametrize("shoppers", [-1, 10**9])
def test_sizes_out_of_range_are_refused(shoppers: int) -> None:
    with pytest.raises(ValueError, match="shoppers"):
        make(shoppers=shoppers)


def test_keys_are_unique_over_chunks(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billing_generation, "CHUNK_ACCOUNTS", 90)
    monkeypatch.setattr(customer_generation, "CHUNK_SHOPPERS", 400)
    for tables in (company, make(deals=600, shoppers=1_000)):
        for name in TABLES:
            assert pc.count_distinct(tables[name]["source_id"]).as_py() == tables[name].num_rows > 0, name


def test_every_reference_has_its_row(company: Company) -> None:
    referred = {
        "customer_source_id": "customers", "account_source_id": "accounts", "owner_source_id": "owners",
        "billing_customer_source_id": "billing_customers", "subscription_item_source_id": "subscription_items",
        "order_source_id": "orders", "returned_order_source_id": "orders", "returned_line_source_id": "order_lines",
        "ticket_source_id": "tickets",
    }  # fmt: skip
    seen = set()
    for name in TABLES:
        for column, table in referred.items():
            if column in company[name].column_names:
                keys = set(company[table]["source_id"].to_pylist())
                assert set(company[name][column].drop_null().to_pylist()) <= keys, (name, column)
                seen.add(column)
    assert seen == set(referred)


def test_nothing_is_known_after_the_end(company: Company) -> None:
    for name in TABLES:
        for column in ("occurred_at", "recorded_at", "observed_at", "ended_at"):
            if column in company[name].column_names:
                assert pc.max(company[name][column]).as_py() < END_AT, (name, column)
    for column in ("solved_at", "first_responded_at"):
        assert pc.max(company["tickets"][column]).as_py() < "2025-07-01"
    assert pc.max(company["daily_usage"]["usage_on"]).as_py() <= "2025-06-30"


def test_a_customer_that_is_a_billing_customer_shares_its_id(company: Company) -> None:
    customers = {row["source_id"]: row for row in company["customers"].to_pylist()}
    links = [row for row in company["entity_links"].to_pylist() if row["entity"] == "customer"]
    billing = set(company["billing_customers"]["source_id"].to_pylist())
    assert 0.9 * len(billing) < len(links) < len(billing)
    for link in links:
        assert link["source_id"] == f"C{link['canonical_id'].removeprefix('simulator:B')}-1"
        assert link["canonical_id"].removeprefix("simulator:") in billing
        assert customers[link["source_id"]]["account_source_id"] == f"A{link['source_id'][1:7]}"
    assert any(row["source_id"].endswith("-2") for row in customers.values()), "others belong to an account"
    assert sum(row["account_source_id"] is None for row in customers.values()) == 1_500


def test_use_lies_within_the_life_of_its_subscription(company: Company) -> None:
    subscription = subscriptions_by_item(company)
    customers = {row["source_id"]: row["occurred_at"] for row in company["customers"].to_pylist()}
    rows = company["daily_usage"].to_pylist() + company["usage_events"].to_pylist()
    for row in rows:
        of = subscription[row["subscription_item_source_id"]]
        day = row["occurred_at"].date()
        assert day_of(of["started_at"]) <= day < day_of(of["ended_at"])
        assert of["billing_customer_source_id"] == row["billing_customer_source_id"]
        assert row["occurred_at"] >= customers[row["customer_source_id"]]
    usage = Counter((row["customer_source_id"], row["subscription_item_source_id"], row["usage_on"])
                    for row in company["daily_usage"].to_pylist())  # fmt: skip
    assert max(usage.values()) == 1
    assert not paused_use(company, subscription)


def paused_use(company: Company, subscription: dict[str, dict]) -> Rows:
    found = []
    for row in company["daily_usage"].to_pylist():
        of = subscription[row["subscription_item_source_id"]]
        if of["paused_at"] and of["paused_at"][:10] <= row["usage_on"] < of["resumes_at"][:10]:
            found.append(row)
    return found


def test_only_a_part_of_the_accounts_is_measured(large: Company) -> None:
    measured = pc.count_distinct(large["daily_usage"]["account_source_id"]).as_py()
    assert 0.12 < measured / large["billing_customers"].num_rows < 0.3
    followed = pc.count_distinct(large["sessions"]["customer_source_id"]).as_py()
    assert 0.25 < followed / 8_000 < 0.45


def test_use_falls_and_tickets_rise_before_the_end(large: Company) -> None:
    """Of the subscriptions that ended: the last two months against the half-year before them; of the others, the same
    at a day on which they had long to live."""
    used: dict[str, list[date]] = defaultdict(list)
    for row in large["daily_usage"].select(["billing_customer_source_id", "usage_on"]).to_pylist():
        used[row["billing_customer_source_id"]].append(date.fromisoformat(row["usage_on"]))
    counts = {"ended": [0, 0], "lives": [0, 0]}
    single = Counter(large["subscriptions"]["billing_customer_source_id"].to_pylist())
    for row in large["subscriptions"].to_pylist():
        if single[row["billing_customer_source_id"]] > 1 or row["paused_at"]:
            continue
        kind = "ended" if row["ended_at"] else "lives"
        end = day_of(row["ended_at"]) if row["ended_at"] else END - timedelta(days=120)
        if (end - day_of(row["started_at"])).days < 300:
            continue
        days = [(end - day).days for day in used[row["billing_customer_source_id"]]]
        counts[kind][0] += sum(0 < ago <= 60 for ago in days)
        counts[kind][1] += sum(60 < ago <= 240 for ago in days)
    ratio = {kind: 3 * near / before for kind, (near, before) in counts.items()}
    assert counts["ended"][1] > 500
    assert ratio["ended"] < 0.7 < 0.8 < ratio["lives"]


def test_fading_ends_when_the_end_is_asked_for(large: Company) -> None:
    asked = {f"simulator:{row['source_id']}": row["cancel_requested_at"] for row in large["subscriptions"].to_pylist()}
    truth = large["truth.subscription_disengagements"].to_pylist()
    assert len(truth) > 100
    for row in truth:
        assert row["from_on"] <= row["full_on"] and row["from_on"] <= "2025-06-30"
        if row["full_on"] < "2025-06-30":
            assert row["full_on"] == asked[row["subscription_id"]][:10]
    ended = {key for key, day in asked.items() if day}
    sudden = 1 - len(ended & {row["subscription_id"] for row in truth}) / len(ended)
    assert 0.12 < sudden < 0.3


def test_tickets_are_answered_then_solved(company: Company) -> None:
    history: dict[str, list[str]] = defaultdict(list)
    opened = {row["source_id"]: row for row in company["tickets"].to_pylist()}
    for row in company["ticket_changes"].to_pylist():
        assert row["occurred_at"] >= opened[row["ticket_source_id"]]["occurred_at"]
        assert row["recorded_at"] >= row["occurred_at"]
        if row["field_name"] == "status":
            history[row["ticket_source_id"]].append(row["new_value"])
    courses = Counter(tuple(course) for course in history.values())
    assert set(history) == set(opened)
    assert all(("new", "open", "solved", "open", "solved")[: len(course)] == course for course in courses)
    assert len(courses) >= 3
    for key, row in opened.items():
        assert row["status"] == history[key][-1]
        if row["solved_at"]:
            assert row["first_responded_at"] <= row["solved_at"]
        assert row["satisfaction_score"] is None or 1 <= float(row["satisfaction_score"]) <= 5
